"""The way to SQS, which the tests close, block or bend; what lies on the queues stays there, as in the cloud."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.services import ministack
from tests.services.ports import HOST, free_port

Payload = dict[str, Any]
Answer = tuple[int, Payload]
#: What happens to a request: a payload goes in, and what lets the server answer one; status and payload come out.
Fault = Callable[[Payload, Callable[[Payload], Answer]], Answer]


class Lost(Exception):
    """The answer is lost on its way."""


class Gateway:
    """Passes requests on to a server of SQS, each connection in a thread of its own, and counts them."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.requests: list[tuple[str, Payload]] = []
        self._target = target
        self._faults: dict[str, list[Fault]] = {}
        self._may_go_on = threading.Event()
        self._may_go_on.set()
        self._connections: set[socket.socket] = set()
        self._silent: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.start()

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return the value of ``Q_CLUSTER["sqs"]``."""
        return ministack.settings(self.port, **more)

    # Outages

    def kill(self) -> None:
        """Refuse connections, and close those that are open."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def start(self) -> None:
        """Listen again."""
        self._listener = socket.create_server((HOST, self.port), backlog=64)
        self._spawn(self._accept, self._listener)

    def pause(self) -> None:
        """Answer nothing; what is asked meanwhile is passed on afterwards."""
        self._may_go_on.clear()

    def resume(self) -> None:
        """Go on."""
        self._may_go_on.set()

    def cut(self) -> None:
        """Never answer on the connections that are open now; new ones are served."""
        self._silent |= self._connections

    # Faults

    def fail(self, operation: str, *faults: Fault, times: int = 1) -> None:
        """Let the next requests of an operation meet these faults, one after another."""
        self._faults.setdefault(operation, []).extend(faults * times)

    def asked(self, operation: str) -> list[Payload]:
        """Return the payloads of all requests of an operation."""
        return [payload for name, payload in self.requests if name == operation]

    def close(self) -> None:
        """Stop, and wait for every connection to end."""
        self.kill()
        self.resume()
        for thread in self._threads:
            thread.join(5)

    # Inside

    def _spawn(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return
            self._connections.add(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._spawn(self._serve, connection, address)

    def _serve(self, connection: socket.socket, address: Any) -> None:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            """Serves one connection."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Pass one request on."""
                gateway.handle(self)

            def log_message(self, format: str, *args: Any) -> None:
                """Write no log."""

        with connection, suppress(OSError, Lost):
            Handler(connection, address, self)  # type: ignore[arg-type]
        self._connections.discard(connection)

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request, or let a fault do it."""
        body = request.rfile.read(length := int(request.headers.get("Content-Length", 0)))
        if len(body) < length:
            raise Lost
        self._may_go_on.wait()
        operation = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        payload = json.loads(body)
        self.requests.append((operation, payload))
        if planned := self._faults.get(operation):
            status, answer = planned.pop(0)(payload, lambda asked: self._served(request, json.dumps(asked).encode()))
        else:
            status, answer = self._served(request, body)
        if request.connection not in self._silent:
            _answer(request, status, json.dumps(answer).encode())

    def _served(self, request: BaseHTTPRequestHandler, body: bytes) -> Answer:
        headers = {**dict(request.headers), "Content-Length": str(len(body)), "Connection": "close"}
        with closing(http.client.HTTPConnection(HOST, self._target, timeout=30)) as connection:
            connection.request("POST", request.path, body, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")


def _answer(request: BaseHTTPRequestHandler, status: int, content: bytes) -> None:
    request.send_response(status)
    request.send_header("Content-Type", "application/x-amz-json-1.0")
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


@contextmanager
def before(target: int) -> Iterator[Gateway]:
    """Pass on to the server on a port of this host for as long as the context lasts."""
    gateway = Gateway(target)
    try:
        yield gateway
    finally:
        gateway.close()


def refusal(code: str, message: str = "no", status: int = 400) -> Fault:
    """Return the fault that answers with an error, as SQS words it."""
    return lambda payload, serve: (status, {"__type": f"com.amazonaws.sqs#{code}", "message": message})


def lost_answer(payload: Payload, serve: Callable[[Payload], Answer]) -> Answer:
    """Let the server serve the request, and nobody learn of it."""
    serve(payload)
    raise Lost


def failing(*places: int, code: str = "InternalError", is_ours: bool = False) -> Fault:
    """Return the fault that lets some entries of a batch fail, by their place in the request."""

    def answer(payload: Payload, serve: Callable[[Payload], Answer]) -> Answer:
        entries = payload["Entries"]
        others = [entry for place, entry in enumerate(entries) if place not in places]
        status, served = serve({**payload, "Entries": others}) if others else (200, {})
        failed = [
            {"Id": entries[place]["Id"], "Code": code, "Message": "no", "SenderFault": is_ours} for place in places
        ]
        return status, {**served, "Failed": [*served.get("Failed", ()), *failed]}

    return answer
