"""How requests travel: what comes back, and what does not count as an answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.ports import free_port
from watermap.earthengine.failures import UnusableAnswerError
from watermap.earthengine.transport import Transport

ANSWERS = {
    "/json": (200, "application/json", b'{"a": 1}'),
    "/page": (200, "text/html; charset=utf-8", b"<html>Please log in</html>"),
    "/gone": (404, "text/html", b"<html>Not here</html>"),
}


class Handler(BaseHTTPRequestHandler):
    """Gives prepared answers, and the login that it was shown."""

    def do_GET(self) -> None:
        if self.path == "/slow":
            threading.Event().wait(0.5)
        status, kind, content = ANSWERS.get(self.path, (200, "text/plain", b""))
        if self.path == "/login":
            content = self.headers.get("Authorization", "nobody").encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def transport(monkeypatch: pytest.MonkeyPatch) -> Iterator[Transport]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Transport(timeout_s=0.2, connections=2)
    yield made
    made.close()


def test_an_answer_comes_as_the_client_expects_it(url: str, transport: Transport) -> None:
    response, content = transport.request(f"{url}/json")
    assert (response.status, response["content-type"], content) == (200, "application/json", b'{"a": 1}')
    assert transport.request(f"{url}/gone")[0].status == 404


def test_a_web_page_with_a_good_status_is_no_answer(url: str, transport: Transport) -> None:
    with pytest.raises(UnusableAnswerError, match="a web page came instead of an answer"):
        transport.request(f"{url}/page")


def test_waiting_has_an_end(url: str, transport: Transport) -> None:
    with pytest.raises(TimeoutError):
        transport.request(f"{url}/slow")
    with pytest.raises(ConnectionError):
        transport.request(f"http://127.0.0.1:{free_port()}/json")


def test_a_login_of_the_machine_does_not_replace_the_token(
    url: str, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login somebody password secret\n", encoding="utf-8")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    assert transport.request(f"{url}/login", headers={"Authorization": "Bearer token"})[1] == b"Bearer token"
    assert transport.request(f"{url}/login")[1] == b"nobody"
