"""An HTTP endpoint that takes whatever it is sent and writes it down: where error reporters deliver in the tests."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.harness.waiting import wait_until
from tests.services.ports import HOST, free_port


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its headers by their names in small letters, its body decompressed."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


class Recorder:
    """An endpoint on a port of its own that answers every request with ``status`` and ``answer``; close it when done.

    It lives in threads of the test process and keeps the requests in memory, in the order in which they were answered;
    each has a connection of its own.
    """

    def __init__(self, *, status: int = 200, answer: bytes = b"{}") -> None:
        self.status = status
        self.answer = answer
        self.port = free_port()
        self._requests: list[Request] = []
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._server: ThreadingHTTPServer | None = None
        self._listen()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def requests(self) -> list[Request]:
        """All requests so far."""
        return list(self._requests)

    def forget(self) -> None:
        """Begin anew."""
        self._requests.clear()

    def wait(self, found: Callable[[list[Request]], object], told: str, seconds: float = 20.0) -> list[Request]:
        """Wait until the requests are what is waited for, and return them."""
        wait_until(lambda: found(self.requests), seconds, lambda: f"{told}; {len(self._requests)} requests came", 0.03)
        return self.requests

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Take no connections meanwhile."""
        self.close()
        try:
            yield
        finally:
            self._listen()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Take requests and answer none of them before the end."""
        self._goes_on.clear()
        try:
            yield
        finally:
            self._goes_on.set()

    def close(self) -> None:
        """Stop listening."""
        self._goes_on.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    def _listen(self) -> None:
        self._server = _Server((HOST, self.port), _handler_of(self))
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="recorder", daemon=True).start()

    def take(self, request: Request) -> None:
        """Write a request down, once it may be answered."""
        self._goes_on.wait()
        self._requests.append(request)


class _Server(ThreadingHTTPServer):
    """Its threads end with their connections, which nobody waits for."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that has gone, which is what the tests are about."""


def _handler_of(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            headers = {name.lower(): value for name, value in self.headers.items()}
            recorder.take(Request(self.command, self.path, headers, body))
            self.send_response(recorder.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(recorder.answer)))
            self.end_headers()
            self.wfile.write(recorder.answer)

        do_GET = do_POST = do_PUT = do_DELETE = _take  # noqa: N815 - the names are http.server's

        def log_message(self, format: str, *args: object) -> None:
            """Write nothing to standard error."""

    return Handler
