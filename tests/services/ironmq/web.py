"""The stand-in as an HTTP server: addresses, tokens, connections that stay open, faults."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.services.ironmq.api import Answer, Limits, answer
from tests.services.ironmq.faults import Fault, Faults
from tests.services.ironmq.store import Store

#: Paths of the tests, outside of the interface: faults to come, and connections that go silent.
FAULTS, CUT = "/tests/faults", "/tests/cut"
#: What stands between any prefix and the project.
VERSION = "/3/projects/"


class Web(ThreadingHTTPServer):
    """Listens on a port; each connection has a thread."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], store: Store, limits: Limits, project: str, token: str) -> None:
        super().__init__(address, Handler)
        self.store = store
        self.limits = limits
        self.project = project
        self.token = token
        self.faults = Faults()
        self.cuts = 0


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "IronMQ-stand-in"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    server: Web

    def setup(self) -> None:
        """Note when the connection was opened."""
        super().setup()
        self._cuts = self.server.cuts

    def log_message(self, format: str, *args: Any) -> None:
        """Write no log."""

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(size)
        if len(text) < size:  # whoever asked was killed in the middle: what is left of it means something else
            self.close_connection = True
            return None
        if self.path == FAULTS:
            self.server.faults.add(Fault(**json.loads(text)))
            return self._send(200, b"{}", "application/json")
        if self.path == CUT:
            self.server.cuts += 1
            return self._send(200, b"{}", "application/json")
        if self._cuts != self.server.cuts:
            threading.Event().wait()  # never answers: the connection went silent
        return self._answer(text)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names of http.server

    def _answer(self, text: bytes) -> None:
        fault = self.server.faults.take(f"{self.command} {self.path}")
        if fault is None:
            return self._send_json(self._answered(text))
        is_applied = fault.is_applied or (fault.status is None and not fault.is_dropped)
        told = self._answered(text) if is_applied else None
        time.sleep(fault.delay)
        if fault.is_dropped:
            self.close_connection = True
            return None
        if fault.status is None and told is not None:
            return self._send_json(told)
        return self._send(fault.status or 200, fault.body.encode(), fault.content_type)

    def _answered(self, text: bytes) -> Answer:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        _, version, rest = parts.path.partition(VERSION)
        if not version:
            return 404, {"msg": "Not found"}
        project, _, path = rest.partition("/")
        token = query.get("oauth") or self.headers.get("Authorization", "").removeprefix("OAuth ")
        if token != self.server.token or project != self.server.project:
            return 401, {"msg": "You must be authorized"}
        return answer(self.server.store, self.server.limits, self.command, unquote(path), query, text)

    def _send_json(self, told: Answer) -> None:
        self._send(told[0], json.dumps(told[1]).encode(), "application/json")

    def _send(self, status: int, body: bytes, content_type: str | None) -> None:
        self.send_response(status)
        if content_type is not None:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
