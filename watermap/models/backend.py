"""The one place that knows that Keras needs a backend, and that some backends chatter."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from watermap.config.extras import install_command
from watermap.errors import ModelError, UsageError


def require_keras() -> None:
    """Import Keras with its backend, or say how to get one.

    Raises:
        UsageError: Keras is not installed.
        ModelError: the backend that it is set to is not.
    """
    try:
        with _native_chatter_hidden():
            import keras  # noqa: F401 (imported for its failure)
    except (ImportError, ValueError) as error:
        if getattr(error, "name", None) == "keras":
            raise UsageError(
                "Keras is not installed",
                hint=f"{install_command('tensorflow')}; tensorflow may be left out beside a JAX or PyTorch",
            ) from error
        raise ModelError(
            f"Keras finds no backend ({getattr(error, 'name', None) or error})",
            hint=f"{install_command('tensorflow')}, or set KERAS_BACKEND to the jax or torch that is installed",
        ) from error


def check_keras() -> None:
    """Say how to get Keras or its backend where one of them is not installed; where they are, import neither.

    Raises:
        UsageError: Keras is not installed.
        ModelError: the backend that it is set to is not.
    """
    if any(importlib.util.find_spec(name) is None for name in ("keras", _backend())):
        require_keras()


def _backend() -> str:
    """The backend that Keras will take, as it finds out itself."""
    if stated := os.environ.get("KERAS_BACKEND"):
        return stated
    settings = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    try:
        return str(json.loads(settings.read_text(encoding="utf-8"))["backend"])
    except (OSError, ValueError, KeyError, TypeError):
        return "tensorflow"


def accelerators(backend: str) -> list[str]:
    """Names of the accelerators that a Keras backend (tensorflow, jax or torch) can use here."""
    library: Any = importlib.import_module(backend)
    if backend == "tensorflow":
        found = library.config.list_physical_devices("GPU")
        return [library.config.experimental.get_device_details(one).get("device_name", one.name) for one in found]
    if backend == "jax":
        return [device.device_kind for device in library.devices() if device.platform != "cpu"]
    if backend == "torch":
        names = [library.cuda.get_device_name(index) for index in range(library.cuda.device_count())]
        return names or ["Apple GPU"] * library.backends.mps.is_available()
    return []


@contextmanager
def _native_chatter_hidden() -> Iterator[None]:
    """Keep what native code writes to standard error at import from the user.

    TensorFlow writes notes there before it reads the variable that silences them.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    hidden = os.open(os.devnull, os.O_WRONLY)
    os.dup2(hidden, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(hidden)
