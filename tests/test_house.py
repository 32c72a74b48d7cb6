"""The house in rooms: what `lint-imports` cannot see of its order, and the words that its names are made of."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted([*(ROOT / "watermap").rglob("*.py"), *(ROOT / "flows").rglob("*.py")])
FORMER = ROOT / "watermap" / "_former"
"""Imports of the release before, under the names of then."""

PRIVATE_WORDS = frozenset(
    [
        "ahead",
        "committee",
        "symmetries",
        "doubts",
        "has_doubts",
        "reach",
        "reaches",
        "seen",
        "unseen",
        "draw",
        "draws",
        "drawn",
        "pool",
        "pools",
        "told",
        "said",
        "outdone",
        "appearing",
        "bring",
        "fetched",
        "whole_folder",
        "went_away",
        "fates",
        "shelf",
        "lattice",
        "certainty",
        "shaping",
        "turns",
        "faults",
        "bits",
        "undone",
        "restate",
        "cuts",
    ]
)
"""What a reader of the field would have to ask about; the field's own words stand in their place."""
ALLOWED = frozenset({"entropy_bits"})
"""Of a private word, where the word has its usual meaning: bits are the unit of entropy."""
NOTHING_TO_TEST = {
    "watermap/arrays.py": "names of types",
    "watermap/config/terms.py": "names of types, and words of help",
    "watermap/prediction/engines/engine.py": "what an engine is asked to offer, without a line that does it",
    "flows/rows.py": "the fields of a row",
}
"""Modules without a test file of their own, and what they hold instead of behaviour."""
MOST_LINES = 350
MOST_ENTRIES = 23


def _names(module: Path) -> Iterator[tuple[str, str]]:
    """Every name that a module gives: itself, its classes and their fields, its functions and their arguments."""
    yield "module", module.parent.name if module.stem == "__init__" else module.stem
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield "class", node.name
            for part in node.body:
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                    yield "field", part.target.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield "function", node.name
            arguments = node.args
            rest = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
            named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *rest)
            yield from (("argument", a.arg) for a in named)


def _words(name: str) -> set[str]:
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().strip("_")
    return {snake} if snake in ALLOWED else {snake, *snake.split("_")}


def test_no_name_is_made_of_private_words() -> None:
    found = [
        f"{module.relative_to(ROOT)}: {kind} {name}"
        for module in MODULES
        if FORMER not in module.parents
        for kind, name in _names(module)
        if _words(name) & PRIVATE_WORDS
    ]
    assert not found


def test_a_class_name_stands_for_one_thing() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        for kind, name in _names(module):
            if kind == "class":
                where[name].append(str(module.relative_to(ROOT)))
    assert {name: places for name, places in where.items() if len(places) > 1} == {}


def test_private_parts_stay_in_their_module() -> None:
    found = [
        f"{module.relative_to(ROOT)}: {each.name} of {node.module}"
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("watermap", "flows"))
        for each in node.names
        if re.match(r"_[^_]", each.name)
    ]
    assert not found


def test_the_house_has_few_entries() -> None:
    entries = [path.name for path in (ROOT / "watermap").iterdir() if path.name != "__pycache__"]
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


@pytest.mark.parametrize("folder", ["watermap", "flows", "tests"])
def test_no_file_is_so_long_that_it_holds_two_ideas(folder: str) -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_every_package_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in MODULES
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


def _tests_of(module: Path) -> Path:
    """Where a module's tests lie: `watermap/<room>/<module>.py` has `tests/<room>/test_<module>.py`."""
    place = module.relative_to(ROOT)
    inside = place.relative_to("watermap") if place.parts[0] == "watermap" else place
    return ROOT / "tests" / inside.with_name(f"test_{inside.name}")


def test_every_module_has_a_test_file() -> None:
    modules = [each for each in MODULES if not each.stem.startswith("__") and FORMER not in each.parents]
    without = {str(each.relative_to(ROOT)) for each in modules if not _tests_of(each).is_file()}
    assert without == set(NOTHING_TO_TEST)


def test_rooms_do_not_stand_on_the_public_face_or_on_former_names() -> None:
    face = {"__version__", *(path.stem for path in (ROOT / "watermap").iterdir())}
    former = {f"watermap.{path.stem}" for path in FORMER.glob("*.py") if path.stem != "__init__"}
    found = []
    for module in MODULES:
        if FORMER in module.parents:
            continue
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import) and any(each.name in {"watermap", *former} for each in node.names):
                found.append(f"{module.relative_to(ROOT)}: import {node.names[0].name}")
            if isinstance(node, ast.ImportFrom) and (
                node.module in former or (node.module == "watermap" and not {each.name for each in node.names} <= face)
            ):
                found.append(f"{module.relative_to(ROOT)}: from {node.module} import {node.names[0].name}")
    assert not found
