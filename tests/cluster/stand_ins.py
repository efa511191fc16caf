"""Children as the sentinel sees them, without processes: real sockets, pipes and records with their other ends."""

from __future__ import annotations

import itertools
import multiprocessing
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any

from djq_core.cluster.channels import Channel, Frame, Kind, Peer
from djq_core.cluster.children import Child, WorkerChild
from djq_core.cluster.lastwords import LastWords
from djq_core.cluster.tickets import Record, Tickets

_CONTEXT = multiprocessing.get_context()
#: Process ids above the largest that Linux gives.
_NOBODIES = itertools.count(2**22 + 1)


class NoProcess(BaseProcess):
    """A process that was never started; signals to it reach nobody."""

    def __init__(self) -> None:
        super().__init__()
        self._nobody = next(_NOBODIES)

    @property
    def pid(self) -> int:
        return self._nobody


@dataclass
class Bench:
    """Makes children and keeps their other ends."""

    stack: ExitStack
    ends: dict[int, tuple[Channel, Channel]] = field(default_factory=dict)
    keys: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def worker(self, **fields: Any) -> WorkerChild:
        """Return a worker that is ready."""
        data, end = self._pair()
        tickets = Tickets(_CONTEXT)
        self.stack.callback(tickets.close)
        key, record = next(self.keys), Record(_CONTEXT)
        words = LastWords(_CONTEXT)
        self.stack.callback(words.close)
        own: dict[str, Any] = {"key": key, "tickets": tickets, "record": record, "words": words, "is_ready": True}
        child = WorkerChild("worker", f"test:{key}", key, NoProcess(), data, data, **own)
        for name, value in fields.items():
            setattr(child, name, value)
        self.ends[id(child)] = (end, end)
        return child

    def helper(self, role: str) -> Child:
        """Return a pusher, monitor or scheduler that is ready."""
        (data, data_end), (control, control_end) = self._pair(), self._pair()
        child = Child(role, f"test:{role}", 9, NoProcess(), data, control, is_ready=True)
        self.ends[id(child)] = (data_end, control_end)
        return child

    def told(self, child: Child) -> list[Frame]:
        """Return the control frames that a child has been sent since the last look."""
        return self._received(child, child.control, self.ends[id(child)][1])

    def given(self, child: Child) -> list[Frame]:
        """Return the data frames that a child has been sent since the last look."""
        return self._received(child, child.data, self.ends[id(child)][0])

    def _received(self, child: Child, peer: Peer, end: Channel) -> list[Frame]:
        frames = []
        while (frame := end.receive(timeout=0)) is not None or peer.wants_write:
            peer.flush()
            frames += [frame] if frame else []
        return frames

    def _pair(self) -> tuple[Peer, Channel]:
        ours, theirs = socket.socketpair()
        peer, channel = Peer(ours), Channel(theirs)
        self.stack.callback(peer.close)
        self.stack.callback(channel.close)
        return peer, channel


def task_frame(number: int = 1, kind: Kind = Kind.TASK, payload: bytes = b"package", **header: Any) -> Frame:
    """Return a package as the pusher hands it over."""
    values = {
        "id": f"{number:032x}",
        "name": f"n{number}",
        "func": "f",
        "timeout": None,
        "hook": "site.done",
        "receipt": f"r{number}",
        "attempt": 1,
        "unanswered": 1,
        "fetched": 0.0,
        "sent": 0.0,
        **header,
    }
    return Frame(kind, 0, values, payload)
