"""Training on several accelerators at once: each computes its share of every batch, and all keep the same weights."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import keras

_DISTRIBUTED: Final = ("jax", "tensorflow")
"""Backends that can share out a batch within one process."""

_replicas: list[int] = [1]
"""How many devices share a batch now, last; it outlives no `sharing`."""


def replicas() -> int:
    """How many devices share each batch now: every batch must be a multiple of it."""
    return _replicas[-1]


@contextmanager
def sharing(batch_size: int) -> Iterator[str | None]:
    """Share out batches meanwhile among all accelerators that Keras's backend sees, or as many as divide a batch.

    With JAX the result is that of one device, up to rounding: losses and batch norm see the whole batch. With
    TensorFlow each device takes the mean loss and the batch norm of its own share. PyTorch uses one device.

    Args:
        batch_size: patches a batch, of all devices together.

    Yields:
        What the user should know, where some device stays idle or more than one is used; else None.
    """
    backend = keras.backend.backend()
    found = keras.distribution.list_devices() if backend in _DISTRIBUTED else _torch_devices()
    used = next(count for count in range(len(found), 0, -1) if batch_size % count == 0 and _can_share(backend, count))
    _replicas.append(used)
    try:
        with _scope(backend, found[:used]):
            yield _note(backend, batch_size, used, len(found))
    finally:
        _replicas.pop()


def _can_share(backend: str, count: int) -> bool:
    return count == 1 or backend in _DISTRIBUTED


def _torch_devices() -> list[str]:
    torch: Any = importlib.import_module("torch")
    return [f"cuda:{index}" for index in range(torch.cuda.device_count())] or ["cpu"]


@contextmanager
def _scope(backend: str, devices: list[str]) -> Iterator[None]:
    if len(devices) == 1:
        yield
        return
    if backend == "jax":
        shared = keras.distribution.DataParallel(devices=devices)
    else:
        tensorflow: Any = importlib.import_module("tensorflow")
        shared = tensorflow.distribute.MirroredStrategy(devices)
    with shared.scope():
        yield


def _note(backend: str, batch_size: int, used: int, found: int) -> str | None:
    if found == 1:
        return None
    if used == found:
        return f"trained on {used} devices"
    if backend not in _DISTRIBUTED:
        return f"trained on one of {found} GPUs: use JAX or TensorFlow for all of them"
    return f"trained on {used} of {found} devices: for all, make --batch-size ({batch_size}) a multiple of {found}"
