"""An S3 on this machine, made by others (moto), in a process of its own: GDAL may hold Python's lock while it reads."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SIGNED = "AWS4-HMAC-SHA256 Credential=anybody/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=any"
"""What is not signed may not be read; signatures are not checked."""


class Bucket:
    """A bucket, made when this is.

    Attributes:
        url: its `s3://` address.
    """

    def __init__(self, server: str, name: str) -> None:
        self._server = server
        self.url = f"s3://{name}"
        self._name = name
        self._request("PUT", "")

    def put(self, key: str, content: bytes) -> str:
        """Write an object; returns its address."""
        self._request("PUT", key, content)
        return f"{self.url}/{key}"

    def put_folder(self, folder: Path, key: str) -> str:
        """Write the files below a folder; returns the address of what is its like."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{key}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return f"{self.url}/{key}"

    def remove(self, key: str) -> None:
        """Delete an object."""
        self._request("DELETE", key)

    def _request(self, method: str, key: str, content: bytes = b"") -> None:
        headers = {"Content-Type": "application/octet-stream", "Authorization": _SIGNED}
        address = f"{self._server}/{self._name}/{key}".rstrip("/")
        request = urllib.request.Request(address, content, headers, method=method)  # noqa: S310 (this machine)
        urllib.request.urlopen(request).close()  # noqa: S310  # our own address


@contextmanager
def serving_s3(log: Path) -> Iterator[str]:
    """The address of a running server, until the context ends; what it says goes to a file."""
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            while not (found := re.search(r"http://127[.0-9]*:\d+", log.read_text())):
                assert process.poll() is None, log.read_text()
                time.sleep(0.02)
            yield found[0]
        finally:
            process.kill()
