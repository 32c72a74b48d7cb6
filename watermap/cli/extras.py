"""What an extra of this package brings, and the one line for whoever lacks it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from watermap.errors import UsageError

EXTRAS: Final[Mapping[str, Mapping[str, str]]] = {
    "fast": {"openvino": "openvino"},
    "polygons": {"pyogrio": "pyogrio"},
    "int8": {"nncf": "nncf"},
    "train": {
        "albumentations": "albumentations",
        "keras": "keras",
        "pyogrio": "pyogrio",
        "scipy": "scipy",
        "sklearn": "scikit-learn",
    },
    "earthengine": {"ee": "earthengine-api", "pyogrio": "pyogrio", "tenacity": "tenacity"},
    "cloud": {"fsspec": "fsspec", "gcsfs": "gcsfs", "s3fs": "s3fs"},
    "mlflow": {"alembic": "alembic", "mlflow": "mlflow-skinny", "sqlalchemy": "sqlalchemy"},
    "flows": {"prefect": "prefect", "yaml": "pyyaml"},
    "dask": {"distributed": "prefect-dask", "prefect_dask": "prefect-dask"},
}
"""Package by the module that is imported, by extra."""

_OWN: Final[Mapping[str, str]] = {"export": "earthengine", "sample": "train", "tile": "train"}
"""The extra of a command that needs all of it; of others the first is named that brings what is missing."""


def missing(error: ModuleNotFoundError, *, needed_by: str) -> UsageError | None:
    """What to tell of a module that is not there; None where no extra brings it, so that its absence is a defect.

    Args:
        error: of the import.
        needed_by: the command, for the message.
    """
    module = error.name or ""
    own = _OWN.get(needed_by)
    for extra in (*([own] if own else []), *EXTRAS):
        if module in EXTRAS[extra]:
            package = EXTRAS[extra][module]
            return UsageError(
                f"{needed_by} needs {package}, which is not installed", hint=f"pip install 'watermap[{extra}]'"
            )
    return None
