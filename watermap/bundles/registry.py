"""Which bundle is in use: a candidate takes over only where it is no worse on held-out ground, and can be taken back.

MODELS/
  current.json   the bundle in use, and those before it
  <name>/        one bundle each
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from watermap.bundles.bundle import Bundle, newest_bundle, open_bundle
from watermap.errors import ModelError, UsageError
from watermap.io.files import write_text

CURRENT_FILE: Final = "current.json"


class InUse(BaseModel):
    """A bundle that was in use.

    Attributes:
        folder: its name below the models folder.
        id: of its content.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str
    id: str


class Declined(BaseModel):
    """A bundle that is not to be put to use by itself again: it was worse, or somebody took it back.

    Attributes:
        candidate: the bundle.
        reason: one line.
        current: the bundle that it was compared with; None: declined whatever is in use.
        evidence: digest of what both were scored on.
        candidate_score, current_score: water IoU there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    candidate: InUse
    reason: str
    current: InUse | None = None
    evidence: str | None = None
    candidate_score: float | None = None
    current_score: float | None = None

    def rests_on(self, current: InUse, evidence: str) -> bool:
        """Whether it was compared with this bundle, on this evidence."""
        return (self.current, self.evidence) == (current, evidence)


class Register(BaseModel):
    """The bundle in use, those before it, oldest first, and those that were declined."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    current: InUse
    earlier: tuple[InUse, ...] = ()
    declined: tuple[Declined, ...] = ()

    def verdict(self, candidate: InUse, evidence: str) -> Declined | None:
        """What was decided of a candidate before, if what it was decided on is still the same."""
        found = (each for each in self.declined if each.candidate == candidate)
        return next((each for each in found if each.current is None or each.rests_on(self.current, evidence)), None)

    def without(self, candidate: InUse) -> tuple[Declined, ...]:
        """The declined bundles but one."""
        return tuple(each for each in self.declined if each.candidate != candidate)


def current_bundle(models: Path) -> Bundle | None:
    """The bundle in use, or None where none was ever promoted.

    Raises:
        ModelError: the register is damaged, or the bundle is gone or another one.
    """
    register = read_register(models)
    return None if register is None else open_chosen(models, register.current)


def default_bundle(models: Path) -> Bundle:
    """The bundle in use; where none was ever promoted, the newest.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    return current_bundle(models) or newest_bundle(models)


def promote(candidate: Bundle, models: Path) -> None:
    """Put a bundle to use. Its folder must lie in the models folder.

    Raises:
        UsageError: it lies elsewhere.
    """
    if candidate.folder.resolve().parent != models.resolve():
        raise UsageError(f"{candidate.folder}: does not lie in {models}", hint="copy the bundle there first")
    register = read_register(models)
    chosen = InUse(folder=candidate.folder.name, id=candidate.id)
    if register is None:
        write_register(models, Register(current=chosen))
    elif register.current != chosen:
        gone = register.current.folder == chosen.folder
        earlier = register.earlier if gone else (*register.earlier, register.current)
        write_register(models, Register(current=chosen, earlier=earlier, declined=register.without(chosen)))


def follow(models: Path, before: Bundle, after: Bundle) -> bool:
    """Let the register follow a bundle that was restated on purpose, as in use or to be rolled back to.

    Returns:
        Whether the register knew it.
    """
    register = read_register(models)
    old, new = (InUse(folder=bundle.folder.name, id=bundle.id) for bundle in (before, after))
    if register is None or old not in (register.current, *register.earlier):
        return False
    earlier = tuple(new if each == old else each for each in register.earlier)
    current = new if register.current == old else register.current
    write_register(models, register.model_copy(update={"current": current, "earlier": earlier}))
    return True


def roll_back(models: Path) -> Bundle:
    """Put the bundle to use that was in use before; the one in use now waits until it is promoted by hand.

    Raises:
        UsageError: there is none before.
        ModelError: it is gone or damaged; the current one stays.
    """
    register = read_register(models)
    if register is None or not register.earlier:
        raise UsageError(f"{models}: no bundle was in use before", hint="see watermap bundles list")
    try:
        bundle = open_chosen(models, register.earlier[-1])
    except ModelError as error:
        hint = "put another one to use with watermap bundles promote"
        raise ModelError(f"the bundle before cannot be put to use ({error.message})", hint=hint) from error
    back = register.earlier[-1]
    taken_back = Declined(candidate=register.current, reason="it was taken back by hand")
    declined = (*(each for each in register.without(register.current) if each.candidate != back), taken_back)
    write_register(models, Register(current=back, earlier=register.earlier[:-1], declined=declined))
    return bundle


def open_chosen(models: Path, choice: InUse) -> Bundle:
    """Open a bundle that was put to use.

    Raises:
        ModelError: another one lies in its folder.
    """
    bundle = open_bundle(models / choice.folder)
    if bundle.id != choice.id:
        raise ModelError(
            f"{bundle.folder}: is bundle {bundle.id}, but {choice.id} was put to use",
            hint="restore it, or promote this one with watermap bundles promote",
        )
    return bundle


def read_register(models: Path) -> Register | None:
    """What was put to use in a models folder; None where nothing was.

    Raises:
        ModelError: the register is damaged.
    """
    path = models / CURRENT_FILE
    try:
        return Register.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ValidationError) as error:
        raise ModelError(
            f"{path}: damaged",
            hint="restore it from a copy, or remove it and put the right bundle to use with watermap bundles promote",
        ) from error


def write_register(models: Path, register: Register) -> None:
    """Keep what is in use, was before, and was declined."""
    write_text(models / CURRENT_FILE, register.model_dump_json(indent=1) + "\n")


def list_bundles(models: Path) -> Sequence[tuple[Bundle, str]]:
    """Every readable bundle of a models folder, by name, with its role: in use, earlier, or nothing."""
    register = read_register(models)
    bundles = []
    for folder in sorted(path.parent for path in models.glob("*/bundle.json")):
        try:
            bundle = open_bundle(folder)
        except ModelError:
            continue
        chosen = InUse(folder=folder.name, id=bundle.id)
        role = ""
        if register is not None:
            role = "in use" if chosen == register.current else "earlier" if chosen in register.earlier else ""
        bundles.append((bundle, role))
    return bundles
