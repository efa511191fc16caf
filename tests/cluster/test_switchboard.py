"""Who is listened to, and for what."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest

from djq_core.cluster.channels import Channel, Frame, Kind, Peer
from djq_core.cluster.switchboard import Switchboard


@pytest.fixture
def board() -> Iterator[Switchboard]:
    with closing(Switchboard()) as made:
        yield made


@pytest.fixture
def ends() -> Iterator[tuple[Peer, Channel]]:
    ours, theirs = socket.socketpair()
    with closing(Peer(ours)) as peer, closing(Channel(theirs)) as channel:
        yield peer, channel


def test_a_source_calls_back_while_it_is_watched(board: Switchboard) -> None:
    calls: list[bytes] = []
    ours, theirs = socket.socketpair()
    with ours, theirs:
        board.watch(ours, lambda: calls.append(ours.recv(10)))
        board.wait(0)
        theirs.send(b"one")
        board.wait(1)
        board.unwatch(ours)
        theirs.send(b"two")
        board.wait(0)
    assert calls == [b"one"]


def test_a_peer_is_read_unless_it_is_left_waiting(board: Switchboard, ends: tuple[Peer, Channel]) -> None:
    peer, channel = ends
    read: list[Frame] = []
    board.add(peer, lambda: read.extend(peer.read()))
    board.listen(peer, reads=False)
    channel.send(Frame(Kind.READY))
    board.wait(0)
    assert read == []
    board.listen(peer)
    board.wait(1)
    assert read == [Frame(Kind.READY)]


def test_a_peer_is_written_to_as_it_takes_it(board: Switchboard, ends: tuple[Peer, Channel]) -> None:
    peer, channel = ends
    board.add(peer, lambda: None)
    peer.send(Frame(Kind.TASK, 1, None, bytes(2**22)))
    board.listen(peer, reads=False)
    received = None
    while received is None:
        board.wait(0.01)
        received = channel.receive(timeout=0)
    assert len(received.payload) == 2**22
    board.listen(peer)
    board.wait(0)
    assert not peer.wants_write


def test_a_peer_that_is_gone_is_not_asked_again(board: Switchboard, ends: tuple[Peer, Channel]) -> None:
    peer, channel = ends
    calls: list[list[Frame]] = []
    board.add(peer, lambda: calls.append(peer.read()))
    channel.close()
    board.wait(1)
    board.listen(peer)
    board.wait(0)
    assert calls == [[]]
    board.remove(peer)
    board.remove(peer)


def test_a_removed_peer_is_not_served_in_the_same_round(board: Switchboard) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    peers, channels = [Peer(ours) for ours, _ in pairs], [Channel(theirs) for _, theirs in pairs]
    served: list[int] = []

    def serve(number: int) -> None:
        served.append(number)
        board.remove(peers[1 - number])

    for number, peer in enumerate(peers):
        board.add(peer, partial(serve, number))
        channels[number].send(Frame(Kind.READY))
    board.wait(1)
    for one, other in pairs:
        one.close()
        other.close()
    assert len(served) == 1
