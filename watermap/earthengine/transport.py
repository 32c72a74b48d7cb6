"""How requests travel: one pool of connections for the whole client, and no waiting without an end."""

from __future__ import annotations

from typing import Any

import httplib2
import requests
from requests.adapters import HTTPAdapter

from watermap.earthengine.failures import UnusableAnswerError


class Transport:
    """What the Earth Engine client sends through, in the shape of `httplib2.Http`, safe to share among threads.

    Left to itself the client waits for ever, and keeps ten connections however many requests are in flight.

    Args:
        timeout_s: seconds to wait for a connection, and for each next piece of an answer.
        connections: kept open at most.
    """

    def __init__(self, *, timeout_s: float, connections: int) -> None:
        self.timeout = timeout_s
        self._session = requests.Session()
        adapter = HTTPAdapter(pool_maxsize=connections, max_retries=0)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._session.auth = lambda request: request  # else a .netrc would replace the token

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: dict[str, str] | None = None,
        redirections: int | None = None,  # noqa: ARG002 (httplib2's signature)
        connection_type: Any = None,  # noqa: ARG002 (httplib2's signature)
    ) -> tuple[httplib2.Response, bytes]:
        """Send one request.

        Raises:
            TimeoutError: no answer in time.
            ConnectionError: the connection broke off, or the answer did.
            UnusableAnswerError: a web page came instead of an answer, with a good status.
        """
        try:
            response = self._session.request(method, uri, data=body, headers=headers, timeout=self.timeout)
        except requests.exceptions.Timeout as error:
            raise TimeoutError(str(error)) from error
        except requests.exceptions.RequestException as error:
            raise ConnectionError(str(error)) from error
        kind = response.headers.get("content-type", "")
        if response.ok and kind.startswith("text/html"):  # the clients would take it for what they asked
            raise UnusableAnswerError("a web page came instead of an answer, perhaps of a proxy or a login")
        found = {name.lower(): value for name, value in response.headers.items()}
        return httplib2.Response({**found, "status": str(response.status_code)}), response.content

    def close(self) -> None:
        """Close the connections."""
        self._session.close()
