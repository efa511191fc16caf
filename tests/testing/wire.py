"""A small server with queues in its memory, and a broker that talks to it: real sockets, real outages.

``python -m tests.testing.wire PORT`` is the server. SIGUSR1 cuts it off from the clients it has: they stay connected
and hear nothing more.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from djq_core.brokers.base import Broker, BrokerSettings, Delivery, Package
from djq_core.brokers.memory import Memory, MemoryBroker
from djq_core.exceptions import BrokerError
from tests.services import children
from tests.services.ports import free_port

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[2]
START_SECONDS = 30.0
_LENGTH = struct.Struct("!I")


# Both sides


def write(end: socket.socket, value: Any) -> None:
    """Send one value."""
    data = pickle.dumps(value)
    end.sendall(_LENGTH.pack(len(data)) + data)


def read(end: socket.socket) -> Any:
    """Receive one value; raise OSError when the other side has gone."""
    (length,) = _LENGTH.unpack(_exactly(end, _LENGTH.size))
    return pickle.loads(_exactly(end, length))


def _exactly(end: socket.socket, count: int) -> bytes:
    parts: list[bytes] = []
    while count and (part := end.recv(min(count, 1 << 20))):
        parts.append(part)
        count -= len(part)
    if count:
        raise ConnectionError("the other side has closed the connection")
    return b"".join(parts)


# The server


class Queues(socketserver.ThreadingTCPServer):
    """Serves each client in a thread."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int) -> None:
        super().__init__((HOST, port), Client)
        self.memory = Memory()
        self.cuts = 0

    def cut(self, *signal: object) -> None:
        """Never answer those again who are connected now."""
        self.cuts += 1


class Client(socketserver.BaseRequestHandler):
    """One client."""

    server: Queues

    def handle(self) -> None:
        cuts = self.server.cuts
        try:
            while True:
                settings, method, args, kwargs = read(self.request)
                while cuts != self.server.cuts:
                    time.sleep(1)
                broker = MemoryBroker(BrokerSettings(options=self.server.memory, **settings))
                write(self.request, getattr(broker, method)(*args, **kwargs))
        except OSError:
            return


class WireServer:
    """The server as a child process, for the fixture ``server`` of the contract."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.port = free_port()
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.testing.wire", str(self.port)]
        self._process: subprocess.Popen[bytes] = children.start(command, ROOT, self._log)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < until, self._log.read_text()
            time.sleep(0.02)

    def kill(self) -> None:
        children.stop(self._process, signal.SIGKILL)

    def pause(self) -> None:
        children.pause(self._process)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def cut(self) -> None:
        self._process.send_signal(signal.SIGUSR1)
        time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((HOST, self.port), 1):
                return True
        except OSError:
            return False


@contextmanager
def serving(folder: Path) -> Iterator[WireServer]:
    """Run a server for a block."""
    server = WireServer(folder / "wire.log")
    try:
        yield server
    finally:
        server.resume()
        server.kill()


# The broker


class WireBroker(Broker):
    """Asks the server, over one connection for all threads, which belongs to the process that made it."""

    name: ClassVar[str] = "wire"
    conf_keys: ClassVar[tuple[str, ...]] = ("wire",)
    keeps_order = True
    supports_receipts = True
    supports_bulk = True
    supports_blocking_dequeue = True
    supports_delay = True
    supports_leases = True
    fences_receipts = True
    counts_deliveries = True
    timeout: ClassVar[float | None] = 1.0

    def __init__(self, settings: BrokerSettings | None = None) -> None:
        super().__init__(settings)
        self._connections: dict[int, socket.socket] = {}
        self._turn = threading.Lock()

    @classmethod
    def read_options(cls, keys: Mapping[str, Any]) -> int:
        return int(keys["wire"])

    def enqueue(self, package: Package) -> str | None:
        return self.enqueue_many([package])[0]

    def enqueue_many(self, packages: Sequence[Package]) -> list[str | None]:
        sent: list[str | None] = self.ask("enqueue_many", list(packages))
        return sent

    def dequeue(self) -> list[tuple[str | None, Package]]:
        return [(each.receipt, each.package) for each in self.receive(self.settings.bulk or 1, 0)]

    def receive(self, count: int, wait: float) -> list[Delivery]:
        deliveries: list[Delivery] = self.ask("receive", count, wait, wait=wait)
        return deliveries

    def extend(self, receipts: Sequence[str], seconds: float) -> list[str | None]:
        extended: list[str | None] = self.ask("extend", list(receipts), seconds)
        return extended

    def release(self, receipts: Sequence[str], *, delay: float = 0.0, counted: bool = True) -> None:
        self.ask("release", list(receipts), delay=delay, counted=counted)

    def acknowledge(self, id: str) -> None:
        self.ask("acknowledge", id)

    def fail(self, id: str) -> None:
        self.ask("fail", id)

    def delete(self, id: str) -> None:
        self.ask("delete", id)

    def purge_queue(self) -> None:
        self.ask("purge_queue")

    def delete_queue(self) -> None:
        self.ask("delete_queue")

    def queue_size(self) -> int:
        return int(self.ask("queue_size"))

    def lock_size(self) -> int:
        return int(self.ask("lock_size"))

    def ping(self) -> bool:
        try:
            return bool(self.ask("ping"))
        except BrokerError:
            return False

    def info(self) -> str:
        return f"wire on port {self.settings.options}"

    def close(self) -> None:
        for end in self._connections.values():
            end.close()
        self._connections.clear()

    def ask(self, method: str, *args: Any, wait: float = 0.0, **kwargs: Any) -> Any:
        """Call a method in the server; raise BrokerError when it does not answer in time."""
        settings = {"list_key": self.list_key, "lease": self.settings.lease, "bulk": self.settings.bulk}
        with self._turn:
            try:
                end = self.connection()
                end.settimeout(self.timeout and self.timeout + wait)
                write(end, (settings, method, args, kwargs))
                return read(end)
            except OSError as error:
                self.close()
                told = f"The server on port {self.settings.options} does not answer: {error}"
                raise BrokerError(told) from error

    def connection(self) -> socket.socket:
        """Return this process's connection; what a parent has made is closed here."""
        process = os.getpid()
        if process not in self._connections:
            self.close()
            self._connections[process] = socket.create_connection((HOST, self.settings.options), self.timeout)
        return self._connections[process]


def main(port: int) -> None:
    """Be the server."""
    with Queues(port) as server:
        signal.signal(signal.SIGUSR1, server.cut)
        server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
