"""The other nodes: who they are, whether they can be reached, and the line to each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

from plugins.djq_disque.tests.standin import resp
from plugins.djq_disque.tests.standin.jobs import now

HOST = "127.0.0.1"
BUS = "STANDIN.BUS"
REACHABLE, NOT_CONNECTED, SUSPECTED, FAILED = 1, 5, 10, 100
#: Seconds between two attempts to connect.
_AGAIN = 0.1


class Peer(asyncio.Protocol):
    """Another node, and the connection on which it is told something; what it says comes in on one of its own."""

    def __init__(self, id: str, port: int, timeout: int) -> None:
        self.id, self.port, self.timeout = id, port, timeout
        self.seen = now()
        self.is_leaving = False
        self.transport: asyncio.WriteTransport | None = None

    @property
    def priority(self) -> int:
        """How good it is to go there, as ``HELLO`` tells: lower is better."""
        is_silent = now() - self.seen > self.timeout
        if self.is_leaving or (is_silent and self.transport is None):
            return FAILED
        if is_silent:
            return SUSPECTED
        return NOT_CONNECTED if self.transport is None else REACHABLE

    @property
    def is_counted(self) -> bool:
        """Is it thought to be there? A dead one is, until its time-out."""
        return self.priority < SUSPECTED

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have a line."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Have none."""
        self.transport = None


class Peers:
    """All other nodes that this one knows; their addresses, and its own id, outlive the process."""

    def __init__(self, folder: Path, port: int, timeout: int) -> None:
        self._path = folder / "nodes.json"
        self._port, self._timeout = port, timeout
        kept = json.loads(self._path.read_text()) if self._path.exists() else {"id": token_hex(20), "peers": {}}
        self.id: str = kept["id"]
        self.is_leaving = False
        self.known = {id: Peer(id, at, timeout) for id, at in kept["peers"].items()}
        self._keep()

    def __iter__(self) -> Iterator[Peer]:
        return iter(self.known.values())

    def counted(self) -> list[Peer]:
        """Return those that are thought to be there."""
        return [peer for peer in self if peer.is_counted]

    async def run(self) -> None:
        """Connect to all, again and again, and let them know that this node lives."""
        while True:
            for peer in list(self):
                if peer.transport is None:
                    await self._connect(peer)
                self.send(peer, "HI", self._port, int(self.is_leaving), json.dumps(self._addresses()))
            await asyncio.sleep(min(_AGAIN, self._timeout / 6000))

    async def meet(self, port: int) -> None:
        """Tell a node that nobody here knows who this is; it answers on a line of its own."""
        stranger = Peer("", port, self._timeout)
        await self._connect(stranger)
        self.send(stranger, "HI", self._port, 0, json.dumps(self._addresses()))
        if stranger.transport is not None:
            stranger.transport.close()

    def heard(self, id: str, port: int, *, is_leaving: bool, others: dict[str, int]) -> None:
        """Take note of a node that said something, and of those that it knows."""
        for each, at in {id: port, **others}.items():
            if each != self.id and each not in self.known:
                self.known[each] = Peer(each, at, self._timeout)
                self._keep()
        self.known[id].is_leaving = is_leaving

    def send(self, peer: Peer, kind: str, *words: bytes | str | int) -> None:
        """Tell a node something; what cannot be told is lost."""
        if peer.transport is not None:
            peer.transport.write(resp.request(BUS, self.id, kind, *words))

    def tell(self, ids: set[str] | None, kind: str, *words: bytes | str | int) -> None:
        """Tell these nodes, or all of them."""
        for peer in self:
            if ids is None or peer.id in ids:
                self.send(peer, kind, *words)

    def _addresses(self) -> dict[str, int]:
        return {peer.id: peer.port for peer in self}

    def _keep(self) -> None:
        self._path.write_text(json.dumps({"id": self.id, "peers": self._addresses()}))

    async def _connect(self, peer: Peer) -> None:
        loop = asyncio.get_running_loop()
        try:
            await asyncio.wait_for(loop.create_connection(lambda: peer, HOST, peer.port), 1.0)
        except (OSError, TimeoutError):
            peer.transport = None
