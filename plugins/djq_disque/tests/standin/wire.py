"""A connection with nothing between, and what the tests of the stand-in say over it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import redis

from plugins.djq_disque.tests.standin.running import HOST, DisqueNode

#: An id that no node knows, and the reply to one that is none.
UNKNOWN = "D-aaaaaaaa-" + "b" * 24 + "-05a1"
BADID = b"-BADID Invalid Job ID format.\r\n"


class Wire:
    """A connection, with what is sent and answered as it is."""

    def __init__(self, node: DisqueNode) -> None:
        self.socket = socket.create_connection((HOST, node.port), 10)

    def send(self, *words: object) -> None:
        """Send a request."""
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(p), p) for p in parts))

    def read(self, seconds: float = 0.0) -> bytes:
        """Return what has been answered when nothing more comes within 20 ms."""
        self.socket.settimeout(seconds or 10)
        answer = self.socket.recv(1 << 22)
        self.socket.settimeout(0.02)
        with suppress(TimeoutError):
            while more := self.socket.recv(1 << 22):
                answer += more
        return answer

    def __call__(self, *words: object) -> bytes:
        """Send a request and return its reply."""
        self.send(*words)
        return self.read()


@contextmanager
def wired(node: DisqueNode) -> Iterator[Wire]:
    """Connect for as long as the context lasts."""
    wire = Wire(node)
    with wire.socket:
        yield wire


def add(wire: Wire, queue: str, body: object = "body", *options: object) -> str:
    """Add a job and return its id."""
    answer = wire("ADDJOB", queue, body, 0, *options)
    assert answer.startswith(b"+D-"), answer
    return answer[1:-2].decode()


def bodies(wire: Wire, queue: str, *options: object) -> list[bytes]:
    """Return the bodies of the jobs that a call hands out."""
    return jobs(wire("GETJOB", *options, "FROM", queue))


def jobs(answer: bytes) -> list[bytes]:
    """Return the bodies of the jobs in a reply."""
    return re.findall(rb"\$40\r\nD-.{38}\r\n\$\d+\r\n(.*?)\r\n", answer, re.DOTALL)


def counters(client: redis.Redis, id: str) -> tuple[int, int]:
    """Return the counters of a job."""
    shown = told(client, id)
    return shown["nacks"], shown["additional-deliveries"]


def told(client: redis.Redis, id: str) -> dict[str, Any]:
    """Return what ``SHOW`` tells of a job."""
    answer: Any = client.execute_command("SHOW", id)
    return {name.decode(): value for name, value in zip(answer[::2], answer[1::2], strict=True)}
