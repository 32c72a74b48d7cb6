"""A web server of one folder that answers range requests, in a process of its own: GDAL may hold Python's lock.

`python -m tests.support.web FOLDER` prints its address. POST /_faults sets what goes wrong, GET /_log tells what was
asked.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final

_OWN: Final = "/_"


class Web:
    """A running server.

    Attributes:
        folder: what it serves.
        url: its address, without a slash at the end.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self._server = "/".join(url.split("/")[:3])

    def fail(self, ending: str = "", *, status: int, method: str = "", times: int = 1_000_000) -> None:
        """Answer requests for addresses that end so, and of this method, with a status from now on."""
        self._control("faults", {"ending": ending, "status": status, "method": method, "times": times})

    def tag(self, prefix: str | None) -> None:
        """Put something before the ETags from now on, or tell none."""
        self._control("faults", {"tags": prefix})

    def mend(self) -> None:
        """Answer as one should."""
        self._control("faults", {"status": 0, "tags": ""})

    def asked(self) -> list[tuple[str, str]]:
        """Method and path of the requests since the last time."""
        return [(method, path) for method, path in self._control("log")]

    def _control(self, what: str, content: Any = None) -> Any:
        data = None if content is None else json.dumps(content).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self._server}{_OWN}{what}", data)) as answer:  # noqa: S310  # our own address
            return json.load(answer)


@contextmanager
def serving(folder: Path) -> Iterator[Web]:
    """A server of a folder, until the context ends."""
    command = [sys.executable, "-m", "tests.support.web", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as process:
        try:
            assert process.stdout is not None
            yield Web(folder, process.stdout.readline().strip())
        finally:
            process.terminate()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder = Path()
    log: ClassVar[list[tuple[str, str]]] = []
    fault: ClassVar[dict[str, Any]] = {"ending": "", "status": 0, "method": "", "times": 0, "tags": ""}

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self.fault.update(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(200, b"{}")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if self.path == f"{_OWN}log":
            content = json.dumps(self.log).encode()
            self.log.clear()
            self._answer(200, content)
            return
        self.log.append((self.command, self.path))
        path = self.folder / self.path.partition("?")[0].lstrip("/")
        if status := self._fault():
            self._answer(status, b"")
        elif not path.is_file():
            self._answer(404, b"")
        else:
            self._send(path.read_bytes())

    def _fault(self) -> int:
        fault = self.fault
        meant = self.path.endswith(fault["ending"]) and self.command.startswith(fault["method"]) and fault["times"] > 0
        if not fault["status"] or not meant:
            return 0
        fault["times"] -= 1
        return int(fault["status"])

    def _send(self, content: bytes) -> None:
        prefix = self.fault["tags"]
        tag = {} if prefix is None else {"ETag": f'{prefix}"{hashlib.sha256(content).hexdigest()[:16]}"'}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self._answer(200, content, tag)
            return
        first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if first >= len(content):
            self._answer(416, b"")
        else:
            where = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
            self._answer(206, content[first : last + 1], where | tag)

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Accept-Ranges": "bytes", "Content-Length": str(len(content))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


if __name__ == "__main__":
    _Handler.folder = Path(sys.argv[1])
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever(poll_interval=60)
