"""Earth Engine and Cloud Storage on this machine, for the real clients to talk to.

Everything that the clients send comes here by HTTP: discovery, tokens, graphs, exports, downloads. What a test wants
to go wrong, it states with `fail`; what came, it reads from the server's attributes.
"""

from __future__ import annotations

import re
import threading
import traceback
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from rasterio.windows import Window

from tests.earthengine import discovery, exports, login, storage
from tests.earthengine.connections import Server
from tests.earthengine.exports import Operation
from tests.earthengine.faults import PAGE, Fault, Faults, status_error
from tests.earthengine.graph import evaluate, information, pixels
from tests.earthengine.images import RefusedError, UnsupportedError
from tests.earthengine.wire import (
    COMPUTE_FIELDS,
    EXPORT_FIELDS,
    PIXELS_FIELDS,
    Answer,
    Asked,
    Record,
    Reply,
    ServiceError,
    error_answer,
    geotiff,
    json_answer,
    read_grid,
)
from tests.earthengine.world import World

BUCKET: Final = "loopback-bucket"

MOST_BYTES: Final = 48 * 2**20
MOST_SIDE: Final = 32_768
"""Limits of computePixels. Source: Earth Engine, REST reference."""


class LoopbackServer:
    """A context manager; `url` is the address of everything.

    Attributes:
        world: the ground.
        url: http://127.0.0.1:PORT.
        states: what consecutive looks at an operation show, the last one for ever.
        states_of: the same for operations of one description.
        operation_error: of operations that fail.
        largest_pixels: pixels of a tile that are too many; None for any.
        shard_pixels: side of the files in which a larger raster is written to the bucket; None for whole ones.
        delay_s: how long a pixel request takes at least.
        stall_s: how long a request that times out is held.
        page_size: of listings.
        requests: what came.
        unknown: paths, functions and arguments that the server does not know: gaps in it, or mistakes of the caller.
        most_in_flight: greatest number of requests handled at once.
        started: request id to exports really started.
        operations: by name.
        bucket: object name to content, of the bucket BUCKET.
        drive: folder/name to content.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.states: Sequence[str] = ("PENDING", "RUNNING", "SUCCEEDED")
        self.states_of: dict[str, Sequence[str]] = {}
        self.operation_error: dict[str, Any] = {"code": 3, "message": "Computed value is too large."}
        self.largest_pixels: int | None = None
        self.shard_pixels: int | None = None
        self.delay_s = 0.0
        self.stall_s = 1.0
        self.page_size = 3
        self.requests: list[Record] = []
        self.unknown: list[str] = []
        self.most_in_flight = 0
        self.started: dict[str, int] = {}
        self.operations: dict[str, Operation] = {}
        self.bucket: dict[str, bytes] = {}
        self.drive: dict[str, bytes] = {}
        self._faults = Faults()
        self._tokens: set[str] = set()
        self._in_flight = 0
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._server = Server(self.handle)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._server.stop()

    def fail(self, phase: str, kind: int | str, *, times: int | None = 1, reason: str = "") -> None:
        """Let requests go wrong.

        Args:
            phase: initialize, token, compute, pixels, export, poll, cancel or download; or a part of one:
                `initialize:discovery`, `initialize:algorithms`, `poll:list`, `poll:get`, `download:list`,
                `download:media`.
            kind: an HTTP status; `reset` (the connection breaks off); `reset-after` (so it does, but what was asked is
                done before); `truncated` (half of the announced answer comes); `timeout`; `html` (a page with status
                200); `no-tiff` (half a file, announced as such).
            times: how many requests; None for all from now on.
            reason: of an HTTP status, machine-readable, such as rateLimitExceeded.
        """
        self._faults.add(phase, kind, times, reason)

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self._faults.clear()

    def forget(self) -> None:
        """Forget exports and what they made, as if nothing had ever been exported."""
        with self._lock:
            for memory in (self.started, self.operations, self.bucket, self.drive):
                memory.clear()

    def write_key(self, path: Path) -> Path:
        """Write a service-account key for this server."""
        return login.write_key(path, self.url)

    def count(self, phase: str) -> int:
        """How many requests of a phase came."""
        with self._lock:
            return sum(record.phase == phase for record in self.requests)

    def handle(self, asked: Asked) -> Reply:
        """What becomes of a request; called by a thread of its own for each."""
        found = _find_route(asked)
        route = found[0] if found else _UNKNOWN
        fault = self._faults.next(route.phase, route.part, has_file=route.has_file)
        reply = self._reply(asked, found, fault)
        status, kind = reply.answer.status if reply.answer else 0, fault.kind if fault else None
        with self._lock:
            self.requests.append(Record(route.phase, asked.method, asked.path, status, kind, asked.content))
        if kind == "timeout":
            self._stopped.wait(self.stall_s)
        return reply

    def _reply(self, asked: Asked, found: tuple[_Route, list[str]] | None, fault: Fault | None) -> Reply:
        kind = fault.kind if fault else None
        if kind == "timeout":
            return Reply(None, "close")
        if kind == "reset":
            return Reply(None, "reset")
        if kind == "html":
            return Reply(Answer(PAGE, content_type="text/html; charset=UTF-8"))
        counted = found is not None and found[0].phase not in ("token", "bucket")
        with self._lock:
            self._in_flight += counted
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        answer = self._answer(asked, found, fault)
        with self._lock:  # before the answer goes out, since the caller's next request may come right then
            self._in_flight -= counted
        if kind == "reset-after":
            return Reply(None, "reset")
        return Reply(answer, "half" if kind == "truncated" else "whole")

    def _answer(self, asked: Asked, found: tuple[_Route, list[str]] | None, fault: Fault | None) -> Answer:
        try:
            answer = self._carry_out(asked, found, fault)
        except ServiceError as error:
            return login.refusal(error) if found and found[0].phase == "token" else error_answer(error)
        except RefusedError as error:
            return error_answer(ServiceError(400, str(error)))
        except UnsupportedError as error:
            return error_answer(self._gap(400, str(error)))
        except Exception:
            return error_answer(self._gap(500, traceback.format_exc()))
        return storage.spoiled(answer) if fault is not None and fault.kind == "no-tiff" else answer

    def _carry_out(self, asked: Asked, found: tuple[_Route, list[str]] | None, fault: Fault | None) -> Answer:
        stated = status_error(fault) if fault else None
        if stated is not None:
            raise stated
        if found is None:
            raise self._gap(404, f"{asked.method} {asked.path}")
        route, names = found
        if not route.open and asked.headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            raise ServiceError(401, "Request had invalid authentication credentials.")
        return route.function(self, asked, *names)

    def _gap(self, status: int, what: str) -> ServiceError:
        with self._lock:
            self.unknown.append(what)
        return ServiceError(status, f"The loopback server does not know {what}")

    def _discovery(self, _: Asked) -> Answer:
        return json_answer(discovery.discovery_document(self.url))

    def _algorithms(self, _: Asked, _project: str) -> Answer:
        return json_answer(discovery.algorithms())

    def _token(self, asked: Asked) -> Answer:
        granted = login.exchange(asked)
        with self._lock:
            self._tokens.add(granted["access_token"])
        return json_answer(granted)

    def _compute(self, asked: Asked, _project: str) -> Answer:
        body = asked.json(COMPUTE_FIELDS)
        return json_answer({"result": information(evaluate(body["expression"], self.world))})

    def _pixels(self, asked: Asked, _project: str) -> Answer:
        body = asked.json(PIXELS_FIELDS)
        self._stopped.wait(self.delay_s)
        if body.get("fileFormat") != "GEO_TIFF":
            raise UnsupportedError(f"the file format {body.get('fileFormat')}")
        grid = read_grid(body.get("grid"))
        image = evaluate(body["expression"], self.world)
        if max(grid.shape) > MOST_SIDE:
            raise RefusedError(f"Pixel grid dimensions ({grid.width}x{grid.height}) must be at most {MOST_SIDE}.")
        _, first = pixels(image, grid.crop(Window(0, 0, 1, 1)))
        size = first.nbytes * grid.width * grid.height
        if size > MOST_BYTES:
            raise RefusedError(f"Total request size ({size} bytes) must be less than or equal to {MOST_BYTES} bytes.")
        if self.largest_pixels is not None and grid.width * grid.height > self.largest_pixels:
            raise RefusedError("User memory limit exceeded.")
        return Answer(geotiff(*pixels(image, grid), grid), content_type="image/tiff")

    def _export(self, asked: Asked, project: str) -> Answer:
        body = asked.json(EXPORT_FIELDS)
        exports.check_export(body)
        request_id = body["requestId"]
        with self._lock:
            if request_id in self.started:
                raise ServiceError(409, f"An operation with the request id {request_id} already exists.")
            self.started[request_id] = 1
            name = f"projects/{project}/operations/LOOPBACK{len(self.operations):016d}"
            operation = self.operations[name] = Operation(name, body)
            return json_answer(operation.describe())

    def _list_operations(self, asked: Asked, project: str) -> Answer:
        start = int(asked.query.get("pageToken", "0"))
        with self._lock:
            names = [name for name in reversed(self.operations) if name.startswith(f"projects/{project}/")]
            end = start + self.page_size
            listing: dict[str, Any] = {"operations": [self._look(self.operations[name]) for name in names[start:end]]}
        if end < len(names):
            listing["nextPageToken"] = str(end)
        return json_answer(listing)

    def _get_operation(self, _: Asked, project: str, name: str) -> Answer:
        with self._lock:
            return json_answer(self._look(self._operation(project, name)))

    def _cancel(self, _: Asked, project: str, name: str) -> Answer:
        with self._lock:
            operation = self._operation(project, name)
            if operation.state not in exports.ENDED:
                operation.state = "CANCELLING"
        return json_answer({})

    def _operation(self, project: str, name: str) -> Operation:
        whole = f"projects/{project}/operations/{name}"
        if whole not in self.operations:
            raise ServiceError(404, f"Operation {whole} not found.")
        return self.operations[whole]

    def _look(self, operation: Operation) -> dict[str, Any]:
        if operation.look(self.states_of.get(operation.description, self.states)):
            buckets = {BUCKET: self.bucket}
            exports.finish(operation, self.world, buckets=buckets, drive=self.drive, side=self.shard_pixels or 0)
        elif operation.state == "FAILED" and operation.error is None:
            operation.error = self.operation_error
        return operation.describe()

    def _describe_bucket(self, _: Asked, bucket: str) -> Answer:
        raise ServiceError(403, f"{login.ACCOUNT} does not have storage.buckets.get access to {bucket}.")

    def _list_objects(self, asked: Asked, bucket: str) -> Answer:
        with self._lock:
            objects = self._objects(bucket)
            return storage.list_objects(objects, bucket, asked, page_size=self.page_size, url=self.url)

    def _describe_object(self, _: Asked, bucket: str, name: str) -> Answer:
        return storage.describe_object(self._objects(bucket), bucket, name, url=self.url)

    def _download_object(self, asked: Asked, bucket: str, name: str) -> Answer:
        return storage.download_object(self._objects(bucket), bucket, name, asked)

    def _objects(self, bucket: str) -> dict[str, bytes]:
        if bucket != BUCKET:
            raise ServiceError(404, "The specified bucket does not exist.")
        return self.bucket


@dataclass(frozen=True)
class _Route:
    method: str
    path: str
    phase: str
    part: str
    function: Callable[..., Answer]
    open: bool = False

    @property
    def has_file(self) -> bool:
        return self.phase == "pixels" or self.part == "media"


_NAME: Final = "([^/:]+)"
_V1: Final = f"/v1/projects/{_NAME}"
_B: Final = f"/storage/v1/b/{_NAME}/o"

_UNKNOWN: Final = _Route("", "", "unknown", "", lambda *_: error_answer(ServiceError(404, "")))

_ROUTES: Final = (
    _Route("GET", r"/(?:\$|%24)discovery/rest", "initialize", "discovery", LoopbackServer._discovery, open=True),
    _Route("POST", "/token", "token", "", LoopbackServer._token, open=True),
    _Route("GET", f"{_V1}/algorithms", "initialize", "algorithms", LoopbackServer._algorithms),
    _Route("POST", f"{_V1}/value:compute", "compute", "", LoopbackServer._compute),
    _Route("POST", f"{_V1}/image:computePixels", "pixels", "", LoopbackServer._pixels),
    _Route("POST", f"{_V1}/image:export", "export", "", LoopbackServer._export),
    _Route("GET", f"{_V1}/operations", "poll", "list", LoopbackServer._list_operations),
    _Route("GET", f"{_V1}/operations/{_NAME}", "poll", "get", LoopbackServer._get_operation),
    _Route("POST", f"{_V1}/operations/{_NAME}:cancel", "cancel", "", LoopbackServer._cancel),
    _Route("GET", _B.removesuffix("/o"), "bucket", "", LoopbackServer._describe_bucket),  # its client asks unbidden
    _Route("GET", _B, "download", "list", LoopbackServer._list_objects),
    _Route("GET", f"{_B}/{_NAME}", "download", "object", LoopbackServer._describe_object),
    _Route("GET", f"/download{_B}/{_NAME}", "download", "media", LoopbackServer._download_object),
)


def _find_route(asked: Asked) -> tuple[_Route, list[str]] | None:
    for route in _ROUTES:
        match = re.fullmatch(route.path, asked.path)
        if match and route.method == asked.method:
            return route, [urllib.parse.unquote(name) for name in match.groups()]
    return None
