"""Connections: requests are taken in turn, and each waits until the one before it has its reply."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from plugins.djq_disque.tests.standin import resp
from plugins.djq_disque.tests.standin.node import Node
from plugins.djq_disque.tests.standin.peers import BUS

#: A command: returns its reply, or None where it replies later.
Command = Callable[["Client", list[bytes]], bytes | None]


class Refusal(Exception):
    """A command is refused with this error."""


class Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, node: Node, commands: dict[str, tuple[Command, int]]) -> None:
        self.node = node
        self.is_known = not node.settings.requirepass
        self.name = b""
        self.on_lost: Callable[[], None] | None = None
        self.is_mute = False
        self._commands = commands
        self._buffer = bytearray()
        self._todo: deque[list[bytes]] = deque()
        self._is_waiting = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.node.clients.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let whoever holds a reply for this client drop it."""
        self._todo.clear()
        self.node.clients.discard(self)
        if self.on_lost is not None:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        """Take in what was sent."""
        if self.is_mute:
            return None
        self._buffer += data
        try:
            self._todo.extend(resp.requests(self._buffer))
        except resp.ProtocolError:
            self.write(resp.error("ERR Protocol error"))
            return self.close()
        return self._go_on()

    def write(self, reply: bytes) -> None:
        """Send."""
        assert self._transport is not None
        self._transport.write(reply)

    def close(self) -> None:
        """Close the connection when everything is sent."""
        assert self._transport is not None
        self._transport.close()

    def reply(self, reply: bytes) -> None:
        """Reply to the command that had to wait."""
        self.on_lost = None
        self._is_waiting = False
        self._send(reply)
        self._go_on()

    def _send(self, reply: bytes) -> None:
        if self.node.has_fault("cut"):
            return self.close()
        return self.write(reply)

    def _go_on(self) -> None:
        while self._todo and not self._is_waiting:
            words = self._todo.popleft()
            if words[0] == BUS.encode():
                self.node.clients.discard(self)
                self.node.bus.told(words[1].decode(), words[2].decode(), words[3:])
                continue
            self._is_waiting = True
            reply = self._answer(words)
            if reply is not None:
                self._is_waiting = False
                self._send(reply)

    def _answer(self, words: list[bytes]) -> bytes | None:
        name = words[0].decode(errors="replace")
        known = self._commands.get(name.lower())
        if known is None:
            return resp.error(f"ERR unknown command '{name}'")
        command, arity = known
        if len(words) != arity if arity > 0 else len(words) < -arity:
            return resp.error(f"ERR wrong number of arguments for '{name.lower()}' command")
        if not self.is_known and name.lower() not in ("auth", "standin.fault", "standin.mute"):
            return resp.error("NOAUTH Authentication required.")
        try:
            return command(self, words[1:])
        except Refusal as refusal:
            return resp.error(str(refusal))
