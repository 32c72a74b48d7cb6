"""What all settings share: a frozen model, read from TOML with what the caller states on top."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from watermap.config.former import renamed
from watermap.config.toml import read_table
from watermap.errors import UsageError, did_you_mean


class Config(BaseModel):
    """What all stages' settings share: immutable, no unknown names, a digest.

    Attributes:
        former_names: what settings were called in earlier releases, and what they are called now.
    """

    former_names: ClassVar[Mapping[str, str]] = {}

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _take_former_names(cls, values: Any) -> Any:
        return renamed(values, cls.former_names)

    def digest(self) -> str:
        """Twelve hex digits that change when any setting does."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @classmethod
    def _without_overruled(cls, values: dict[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG003 (a child looks at them)
        """A file's settings without those that stated ones rule out."""
        return values

    @classmethod
    def load(cls, path: Path | None = None, *, section: str = "", **stated: Any) -> Self:
        """Settings from a TOML file, with those stated by the caller on top.

        Args:
            path: a TOML file, or None for the defaults.
            section: the table of the file that holds this stage; a file without it is read as a whole.
            stated: settings given by flag; None means not given.

        Raises:
            UsageError: the file cannot be read, or a setting is unknown or out of bounds.
        """
        values: dict[str, Any] = {}
        if path is not None:
            values = read_table(path, section)
        values = cls._without_overruled(values, stated)
        values.update({name: value for name, value in stated.items() if value is not None})
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            unknown = first["type"] == "extra_forbidden"
            missing = first["type"] == "missing"
            near = did_you_mean(name, cls.model_fields) if unknown and name in values else ""
            reason = f"no such setting{near and ': '}{near}" if unknown else first["msg"].removeprefix("Value error, ")
            reason = f"is needed: state --{name.replace('_', '-')}, or {name} in a settings file" if missing else reason
            flags = [flag for flag, value in stated.items() if value is not None]
            where = f"{path}: " if path is not None and (name not in flags if name else not flags) else ""
            raise UsageError(f"{where}{name}{': ' if name else ''}{reason}") from error
