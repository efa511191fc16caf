"""The client library with what it lacks: time-outs, open connections, bounded repeats, and no files read by accident.

``iron_core.IronClient`` reads the environment, ``~/.iron.json`` and the ``iron.json`` of the working directory when it
is built, opens a connection for each call, waits for an answer for ever, and repeats what was answered with 503 or 504
for 15 seconds. All calls go through two of its methods, which are replaced here; the rest is the library's.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from typing import Any, Final

import iron_core
import iron_mq
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from djq_ironmq.options import IronOptions
from djq_ironmq.tokens import Garbage, Keystone

#: A connection that was not used for so many seconds is not trusted: routers on the way forget it without a word.
IDLE: Final = 30.0
#: So many connections are kept open at most.
POOL: Final = 32
#: The pauses before a call that was answered with 503 is made again, in seconds; each up to half as long again.
PAUSES: Final = (0.1, 0.3)
_BUSY: Final = 503


class Client(iron_core.IronClient):  # type: ignore[misc]
    """Makes the requests of the client library; any thread of the process that built it may use it."""

    def __init__(self, options: IronOptions) -> None:  # the library's own reads files and the environment
        self.name, self.version, self.product = iron_mq.IronMQ.NAME, iron_mq.IronMQ.VERSION, "iron_mq"
        self.base_url = f"{options.base_url}/"
        self.headers = {"Accept": "application/json", "User-Agent": f"{self.name} (version: {self.version})"}
        self._time_out = options.request_timeout
        self._session = requests.Session()
        self._session.auth = _Authorization(options)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=2, pool_maxsize=POOL))
        self._used = time.monotonic()

    def close(self) -> None:
        """Close the connections; another request opens new ones."""
        self._session.close()

    def request(
        self, url: str, method: str, body: str = "", headers: Mapping[str, str] | None = None, retry: bool = True
    ) -> dict[str, Any]:
        """Make a request and return the library's answer; raise what requests raises, and Garbage.

        What was answered with 503 was not carried out, and is asked again after short pauses. Nothing else is: of a
        504, or a connection that broke, nobody knows.
        """
        given = dict(headers or {})
        for pause in PAUSES:
            try:
                return self._once(url, method, body, given)
            except requests.HTTPError as error:
                if error.response.status_code != _BUSY:
                    raise
            time.sleep(pause * random.uniform(1.0, 1.5))
        return self._once(url, method, body, given)

    def _once(self, url: str, method: str, body: str, headers: dict[str, str]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = super().request(url, method, body, headers, retry=False)
        except KeyError as error:
            raise Garbage("an answer without a Content-Type") from error
        if not isinstance(answer["body"], dict):
            raise Garbage(f"{answer['content-type']} instead of JSON, with status {answer['status']}")
        return answer

    def _doRequest(  # noqa: N802 - the library's name
        self, url: str, method: str, body: str = "", headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        if time.monotonic() - self._used > IDLE:
            self._session.close()
        times = (self._time_out, self._time_out + _wait_of(url, body))
        words: dict[str, Any] = {"data": body or None, "headers": headers, "timeout": times}
        try:
            return self._session.request(method, url, allow_redirects=False, **words)
        finally:
            self._used = time.monotonic()


class Mq(iron_mq.IronMQ):  # type: ignore[misc]
    """The client library's door to the queues, over a client of ours."""

    def __init__(self, options: IronOptions) -> None:
        self.client = Client(options)


class _Authorization(AuthBase):
    """Shows the token; being there, it keeps a ``.netrc`` of the host from taking its place."""

    def __init__(self, options: IronOptions) -> None:
        self._token = options.token
        self._keystone = Keystone(options.keystone, options.request_timeout) if options.keystone else None

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._keystone.token() if self._keystone else self._token
        request.headers["Authorization"] = f"OAuth {token}"
        return request


def _wait_of(url: str, body: str) -> float:
    """Return for how many seconds the service was asked to wait before it answers."""
    return float(json.loads(body).get("wait", 0)) if url.endswith("/reservations") else 0.0
