"""Who is listened to: the sentinel's selector, with peers that can be left waiting."""

from __future__ import annotations

import selectors
from collections.abc import Callable
from typing import Protocol

from djq_core.cluster.channels import Peer


class Readable(Protocol):
    """Something with a file descriptor."""

    def fileno(self) -> int: ...


class Switchboard:
    """A selector whose entries are read callbacks; peers are also written to as soon as they take it."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._peers: dict[Peer, Callable[[], None]] = {}
        #: What each peer is waited for; nothing where it is not in the selector.
        self._events: dict[Peer, int] = {}

    def watch(self, source: Readable, read: Callable[[], None]) -> None:
        """Call ``read`` whenever the source is readable."""
        self._selector.register(source.fileno(), selectors.EVENT_READ, lambda _: read())

    def unwatch(self, source: Readable) -> None:
        """Watch the source no longer."""
        self._selector.unregister(source.fileno())

    def add(self, peer: Peer, read: Callable[[], None]) -> None:
        """Listen to a peer."""
        self._peers[peer] = read
        self.listen(peer)

    def remove(self, peer: Peer) -> None:
        """Listen to a peer no longer; to be called before it is closed."""
        if self._peers.pop(peer, None) is not None and self._events.pop(peer, 0):
            self._selector.unregister(peer.fileno())

    def listen(self, peer: Peer, *, reads: bool = True) -> None:
        """Wait for what is of use: for data if it is read now, for room if something is to be written."""
        events = selectors.EVENT_READ if reads and peer.is_open else 0
        events |= selectors.EVENT_WRITE if peer.wants_write and peer.is_open else 0
        known = self._events.get(peer, 0)
        if events == known:
            return
        self._events[peer] = events
        if not known:
            self._selector.register(peer.fileno(), events, lambda mask: self._serve(peer, mask))
        elif not events:
            self._selector.unregister(peer.fileno())
        else:
            self._selector.modify(peer.fileno(), events, lambda mask: self._serve(peer, mask))

    def _serve(self, peer: Peer, mask: int) -> None:
        if mask & selectors.EVENT_WRITE:
            peer.flush()
        if mask & selectors.EVENT_READ and peer in self._peers:
            self._peers[peer]()

    def wait(self, seconds: float) -> None:
        """Serve everything that is ready, waiting for the first at most so many seconds."""
        for key, mask in self._selector.select(seconds):
            key.data(mask)

    def close(self) -> None:
        """Close the selector itself, not what it watches."""
        self._selector.close()
