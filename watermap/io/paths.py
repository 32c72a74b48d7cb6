"""Where files may lie: on this machine, in an object store, on a web server. Reading goes anywhere, writing stays.

universal_pathlib would bring names, parents and joins, a fifth of this; every question to a store would still be
wrapped, for its errors, its retries, signatures that are never shown, and installs without fsspec. So would tenacity
for the one loop of `watermap.io.stores.ask`, as long with it as without.
"""

from __future__ import annotations

import glob
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, NamedTuple, cast

from watermap.errors import UsageError
from watermap.io.stores import ask, require, vanished

_URL: Final = re.compile(r"(?:/vsicurl/)?(https?|s3|gs)://+(.+)|/vsi(s3|gs)/(.+)", re.DOTALL)
_COLLAPSED: Final = re.compile(r"(?:/vsicurl/)?(?:https?|s3|gs):/|/vsi(?:s3|gs|curl)/")
"""What becomes of such names in a `Path`, which makes one slash of two."""

_READ_BYTES: Final = 2**18
_GDAL_FOLDERS: Final = {"s3": "/vsis3/", "gs": "/vsigs/"}


class Facts(NamedTuple):
    """What a store knows of a file, by the names that `os.stat_result` has for it.

    Attributes:
        st_size: in bytes.
        st_mtime_ns: when it was put there, in nanoseconds since 1970.
    """

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True, order=True)
class RemotePath:
    """A file or folder elsewhere, asked as a `Path` is. Made by `location`.

    It is no `Path`, so that nothing takes it for a local one; what goes wrong on the way is a `StorageError`, what is
    not there a `FileNotFoundError`. It holds no login and no connection, and may be sent to other processes.

    Attributes:
        scheme: s3, gs, http or https.
        place: bucket and key, or host and path, without a slash at the end.
        query: a web address's, such as its signature; what lies below has the same. It is never shown.
    """

    scheme: str
    place: str
    query: str = field(default="", repr=False)

    def __str__(self) -> str:
        """The address, without what may be secret in it."""
        place = re.sub("^[^/@]*@", "", self.place) if self.is_web else self.place
        return f"{self.scheme}://{place}"

    @property
    def address(self) -> str:
        """The whole address, signature included."""
        return f"{self.scheme}://{self.place}" + (f"?{self.query}" if self.query else "")

    @property
    def is_web(self) -> bool:
        """Whether it lies on a web server, which does not list what it holds."""
        return self.scheme in ("http", "https")

    @property
    def name(self) -> str:
        """The last part."""
        return PurePosixPath(self.place).name

    @property
    def stem(self) -> str:
        """The last part without its suffix."""
        return PurePosixPath(self.place).stem

    @property
    def suffix(self) -> str:
        """The suffix of the last part, with its dot."""
        return PurePosixPath(self.place).suffix

    @property
    def parent(self) -> RemotePath:
        """The folder that it lies in."""
        return self._at(self.place.rpartition("/")[0] or self.place)

    def __truediv__(self, name: str) -> RemotePath:
        return self._at(f"{self.place}/{name}")

    def resolve(self) -> RemotePath:
        """Itself: its name is absolute."""
        return self

    def exists(self) -> bool:
        """Whether there is a file or a folder."""
        return self._info() is not None

    def is_file(self) -> bool:
        """Whether there is a file."""
        info = self._info()
        return info is not None and info["type"] == "file"

    def is_dir(self) -> bool:
        """Whether there is a folder, that is anything below it."""
        self._require_list()
        info = self._info()
        return info is not None and info["type"] == "directory"

    def stat(self) -> Facts:
        """Size and time of a file."""
        info = self._ask(lambda files: files.info(self._key))
        modified = None if self.is_web else self._ask(lambda files: files.modified(self._key))
        return Facts(int(info["size"]), int(modified.timestamp() * 1e9) if modified else 0)

    def iterdir(self) -> Iterator[RemotePath]:
        """What lies in a folder."""
        self._require_list()
        names = self._ask(lambda files: files.ls(self._key, detail=False))
        return (self._at(name.rstrip("/")) for name in names if name.rstrip("/") != self.place)

    def glob(self, pattern: str) -> Iterator[RemotePath]:
        """What matches a pattern below a folder."""
        return self._matching(f"{glob.escape(self._key)}/{pattern}")

    def matches(self) -> Iterator[RemotePath]:
        """What this name matches, taken as a pattern."""
        return self._matching(self._key)

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Open a file to be read as bytes."""
        if mode != "rb":
            raise ValueError(f"remote files are opened to be read as bytes, not as {mode}")
        return io.BufferedReader(_Reader(self, self._ask(lambda files: files.open(self._key, "rb"))), _READ_BYTES)

    def read_text(self, encoding: str = "utf-8") -> str:
        """The text of a file."""
        with self.open() as file:
            return file.read().decode(encoding)

    def identity(self) -> str | None:
        """What the store itself says of the content: changes whenever that does; None where it says nothing."""
        info = self._ask(lambda files: files.info(self._key))
        for name in ("md5Hash", "ETag", "etag", "Content-MD5"):
            tag = str(info.get(name) or "").strip('"')
            if tag and not tag.startswith("W/"):  # a weak tag may outlive small changes
                return f"{name.lower()}:{tag}:{info['size']}"
        return None

    @property
    def _key(self) -> str:
        return self.address if self.is_web else self.place

    def _at(self, place: str) -> RemotePath:
        return RemotePath(self.scheme, place, self.query)

    def _info(self) -> Mapping[str, Any] | None:
        info: Mapping[str, Any] | None = None
        with suppress(FileNotFoundError):
            info = self._ask(lambda files: files.info(self._key))
        return info

    def _matching(self, pattern: str) -> Iterator[RemotePath]:
        self._require_list()
        names = self._ask(lambda files: files.glob(pattern))
        return map(self._at, names)

    def _require_list(self) -> None:
        if self.is_web:
            raise UsageError(
                f"{self}: a web server does not list what lies in a folder",
                hint="name the files, or read the folder from s3:// or gs://",
            )

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        return ask(self.scheme, str(self), question)


class _Reader(io.RawIOBase):
    """A remote file's bytes; what goes wrong while they are read is a `StorageError`."""

    def __init__(self, path: RemotePath, file: Any) -> None:
        self._path = path
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count: int = self._path._ask(lambda _: self._file.readinto(buffer))
        except FileNotFoundError as error:
            raise vanished(str(self._path)) from error
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def location(text: str | Path | RemotePath) -> Path:
    """The place that a user names: a local `Path`, or a `RemotePath` that answers like one.

    Args:
        text: a local path; `s3://`, `gs://`, `https://`, `http://`; or GDAL's `/vsis3/`, `/vsigs/`, `/vsicurl/http...`.

    Raises:
        UsageError: what it takes to read from there is not installed.
    """
    if isinstance(text, RemotePath):
        return cast(Path, text)
    found = _URL.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return Path(text)
    scheme, place = found[1] or found[3], (found[2] or found[4])
    query = ""
    if scheme in ("http", "https"):
        place, _, query = place.partition("?")
    away = RemotePath(scheme, place.strip("/"), query)
    require(scheme, str(away))
    return cast(Path, away)


def remote(path: Path) -> RemotePath | None:
    """The path if it lies elsewhere, None if on this machine."""
    return path if isinstance(path, RemotePath) else None


def local(path: Path | str, *, what: str = "outputs go to local folders", hint: str = "") -> Path:
    """The path, which must be one of this machine.

    Args:
        path: where something is to be written; a `Path` made of a URL is recognised.
        what: lies on this machine, for the message.
        hint: for the user.

    Raises:
        UsageError: it lies elsewhere.
    """
    if isinstance(path, RemotePath) or _COLLAPSED.match(str(path)):
        name = re.sub(r"^((?:/vsicurl/)?\w+):/+", r"\1://", str(path).partition("?")[0])
        raise UsageError(
            f"{name}: {what}", hint=hint or "mount the bucket to write there, or copy them there afterwards"
        )
    return Path(path)


def gdal_name(path: Path) -> str:
    """What GDAL calls a file."""
    away = remote(path)
    if away is None:
        return str(path)
    return f"/vsicurl/{away.address}" if away.is_web else f"{_GDAL_FOLDERS[away.scheme]}{away.place}"
