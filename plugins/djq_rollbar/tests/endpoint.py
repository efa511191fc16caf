"""A local HTTP endpoint that keeps what is posted to it, as Rollbar's and Sentry's would."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.harness.waiting import wait_until
from tests.services.ports import HOST, free_port


class Endpoint:
    """Takes posts in threads of its own; ``away`` closes the port for a while, ``delay`` is how long a post takes."""

    def __init__(self) -> None:
        self.port = free_port()
        self.delay = 0.0
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """What rollbar calls its ``endpoint``."""
        return f"http://{HOST}:{self.port}/api/1/"

    @property
    def dsn(self) -> str:
        """The DSN for sentry-sdk."""
        return f"http://key@{HOST}:{self.port}/42"

    @property
    def texts(self) -> list[str]:
        """Every body so far, as text."""
        return [body.decode() for body in list(self.bodies)]

    @property
    def items(self) -> list[dict[str, Any]]:
        """The ``data`` of every item so far."""
        return [json.loads(text)["data"] for text in self.texts]

    def wait_for(self, *words: str, seconds: float = 40.0) -> dict[str, Any]:
        """Wait for an item that has all of these words in it, and return its data."""

        def found() -> list[dict[str, Any]]:
            return [item for item in self.items if all(word in json.dumps(item) for word in words)]

        wait_until(lambda: bool(found()), seconds, lambda: f"an item with {words}: {list(map(told, self.items))}", 0.05)
        return found()[0]

    @contextmanager
    def away(self) -> Iterator[None]:
        """Close the port."""
        self._close()
        try:
            yield
        finally:
            self._open()

    def __enter__(self) -> Endpoint:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _open(self) -> None:
        self._server = _Server((HOST, self.port), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


def told(item: dict[str, Any]) -> str:
    """Return an item in a line."""
    error, data = error_of(item), item.get("custom", {}).get("djq", {})
    return f"{data.get('where')}: {error['class']}: {error['message'][:80]} {data.get('task', {}).get('name')}"


def error_of(item: dict[str, Any]) -> dict[str, Any]:
    """Return the class and the message of an item's error."""
    body = item["body"]
    found: dict[str, Any] = (body.get("trace") or body["trace_chain"][0])["exception"]
    return found


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            pause.wait(endpoint.delay)
            endpoint.paths.append(self.path)
            endpoint.bodies.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            answer = b'{"err": 0, "result": {"id": "1"}}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    pause = threading.Event()
    return Handler
