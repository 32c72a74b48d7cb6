"""The HTTP of the loopback server: connections that stay open, threads that end, answers that break off on purpose."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.earthengine.faults import half, reset
from tests.earthengine.wire import Asked, Reply

_END_S = 5.0


class Server(ThreadingHTTPServer):
    """Calls a function for each request, in a thread for each connection."""

    daemon_threads = True

    def __init__(self, handle: Callable[[Asked], Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.handle = handle
        self._open: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """End every connection and wait for its thread, so that no socket is left to be complained about."""
        self.shutdown()
        self._thread.join(_END_S)
        self.server_close()
        with self._guard:
            left = list(self._open.items())
        for connection, thread in left:
            with contextlib.suppress(OSError):  # the other side may be faster
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(_END_S)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection to its end."""
        with self._guard:
            self._open[request] = threading.current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                del self._open[request]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where the other side broke off, as it may whenever it likes."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        content = self.rfile.read(length)
        if len(content) < length:  # the other side was killed while it spoke
            self.close_connection = True
            return
        address = urllib.parse.urlsplit(self.path)
        asked = Asked(
            method=self.command,
            path=address.path,
            query=dict(urllib.parse.parse_qsl(address.query)),
            headers={name.lower(): value for name, value in self.headers.items()},
            content=content,
        )
        self._send(self.server.handle(asked))

    def do_POST(self) -> None:
        self.do_GET()

    def _send(self, reply: Reply) -> None:
        if reply.answer is None:
            self.close_connection = True
            if reply.how == "reset":
                reset(self.connection)
            return
        content = reply.answer.content
        self.send_response(reply.answer.status)
        self.send_header("Content-Type", reply.answer.content_type)
        self.send_header("Content-Length", str(len(content)))
        for name, value in reply.answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if reply.how == "half":
            self.close_connection = True
            content = half(content)
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name of the base class
        """Keep quiet."""
