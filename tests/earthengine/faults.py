"""What can go wrong on the way, made to go wrong on purpose."""

from __future__ import annotations

import os
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Final

from tests.earthengine.wire import STATUS_NAMES, ServiceError

KINDS: Final = frozenset({"reset", "reset-after", "truncated", "timeout", "html", "no-tiff"})

PHASES: Final = ("initialize", "token", "compute", "pixels", "export", "poll", "cancel", "download")

PAGE: Final = b"<!doctype html><html><body>Please accept the terms of this network.</body></html>"
"""What a login page in between answers, with a good status."""


@dataclass
class Fault:
    """One thing that goes wrong.

    Attributes:
        phase: of the requests concerned, or a part of one such as `download:media`.
        kind: an HTTP status, or one of KINDS.
        left: how often yet; None for always.
        reason: machine-readable, of an HTTP status.
    """

    phase: str
    kind: int | str
    left: int | None
    reason: str = ""


class Faults:
    """What is to go wrong, in the order in which it was asked for. Safe among threads."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, phase: str, kind: int | str, times: int | None, reason: str) -> None:
        """Let a phase go wrong from now on, after what was asked for before."""
        if phase.partition(":")[0] not in PHASES or not (isinstance(kind, int) or kind in KINDS):
            raise ValueError(f"no such fault: {phase} {kind}")
        with self._lock:
            self._waiting.append(Fault(phase, kind, times, reason))

    def clear(self) -> None:
        """Let everything go right."""
        with self._lock:
            self._waiting.clear()

    def next(self, phase: str, part: str, *, has_file: bool) -> Fault | None:
        """What goes wrong with the request at hand, if anything."""
        with self._lock:
            for fault in self._waiting:
                if fault.phase not in (phase, f"{phase}:{part}") or (fault.kind == "no-tiff" and not has_file):
                    continue
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left == 0:
                        self._waiting.remove(fault)
                return fault
        return None


def status_error(fault: Fault) -> ServiceError | None:
    """The error of a fault that is an HTTP status."""
    if not isinstance(fault.kind, int):
        return None
    name = STATUS_NAMES.get(fault.kind, "an error").replace("_", " ").lower()
    return ServiceError(
        fault.kind, f"The loopback server was told to answer {fault.kind}: {name}.", reason=fault.reason
    )


def half(content: bytes) -> bytes:
    """The first half of something."""
    return content[: len(content) // 2]


def reset(connection: socket.socket) -> None:
    """Break a connection off the hard way: the other side reads a reset, not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())
