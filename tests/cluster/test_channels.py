"""Frames over socket pairs."""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from signal import Signals

import pytest
from django.utils.safestring import SafeString

from djq_core.cluster.channels import Channel, Frame, Kind, Parser, Peer, encode

CONTEXT = multiprocessing.get_context()
MIB = 1024 * 1024
FRAMES = [
    Frame(Kind.TASK, 7, {"name": "één", "timeout": None}, b"payload"),
    Frame(Kind.STOP),
    Frame(Kind.RENEW, 2**40, [[1, "receipt"], [2, None]]),
    Frame(Kind.RESULT, 8, None, b"\x00" * 30),
]


def stream(frames: list[Frame]) -> bytes:
    return b"".join(bytes(buffer) for frame in frames for buffer in encode(frame))


@pytest.fixture
def ends() -> Iterator[tuple[Peer, Channel]]:
    ours, theirs = socket.socketpair()
    peer, channel = Peer(ours), Channel(theirs)
    yield peer, channel
    peer.close()
    channel.close()


# Frames


def test_frames_cut_at_every_byte_come_out_whole() -> None:
    data = stream(FRAMES)
    for cut in range(len(data) + 1):
        parser = Parser()
        assert [*parser.feed(data[:cut]), *parser.feed(data[cut:])] == FRAMES


def test_a_frame_is_shown_without_its_payload() -> None:
    assert repr(Frame(Kind.TASK, 7, {"name": "n"}, b"secret")) == "Frame(<Kind.TASK: 2>, 7, {'name': 'n'})"


def test_a_frame_comes_out_with_its_last_byte_and_no_sooner() -> None:
    parser, data = Parser(), stream(FRAMES)
    lengths = [len(stream(FRAMES[: count + 1])) for count in range(len(FRAMES))]
    complete = [at for at in range(len(data)) for _ in parser.feed(data[at : at + 1])]
    assert complete == [length - 1 for length in lengths]


def test_more_buffers_become_one_payload() -> None:
    buffers = encode(Frame(Kind.RESULT, 1, None, b"package"), b"", b"result")
    (frame,) = Parser().feed(b"".join(map(bytes, buffers)))
    assert frame.payload == b"packageresult"


def test_texts_and_numbers_of_a_kind_of_their_own_arrive_as_plain_ones() -> None:
    header = {"name": SafeString("main"), "count": Signals.SIGTERM, "items": [OrderedDict(a=(1, SafeString("b")))]}
    (frame,) = Parser().feed(stream([Frame(Kind.STAT, header=header)]))
    assert frame.header == {"name": "main", "count": 15, "items": [{"a": [1, "b"]}]}
    assert type(frame.header["name"]) is str


def test_five_megabytes_go_both_ways(ends: tuple[Peer, Channel]) -> None:
    peer, channel = ends
    frame = Frame(Kind.TASK, 1, {"n": 1}, os.urandom(5 * MIB))

    def echo() -> None:
        received = channel.receive()
        assert received is not None
        channel.send(received)

    child = threading.Thread(target=echo)
    child.start()
    peer.send(frame)
    frames: list[Frame] = []
    while not frames:
        peer.flush()
        frames += peer.read()
    child.join()
    assert frames == [frame]


def test_a_peer_never_waits_for_a_child_that_reads_nothing(ends: tuple[Peer, Channel]) -> None:
    peer, channel = ends
    for number in range(3):
        peer.send(Frame(Kind.TASK, number, None, bytes(5 * MIB)))
    assert peer.wants_write
    received: list[int] = []
    while len(received) < 3:
        peer.flush()
        if frame := channel.receive(timeout=0):
            received.append(frame.seq)
    assert received == [0, 1, 2]
    assert not peer.wants_write


def test_half_a_frame_of_a_dead_process_is_dropped(ends: tuple[Peer, Channel]) -> None:
    peer, channel = ends
    whole, half = stream(FRAMES[:2]), stream([Frame(Kind.RESULT, 9, None, bytes(1000))])[:-1]
    os.write(channel.fileno(), whole + half)
    channel.close()
    assert peer.read(to_end=True) == FRAMES[:2]
    assert not peer.is_open
    assert peer.read(to_end=True) == []


def test_all_that_a_dead_process_left_is_read(ends: tuple[Peer, Channel]) -> None:
    peer, channel = ends
    left = [Frame(Kind.RESULT, number, None, b"r" * 100) for number in range(60)]
    for frame in left:
        channel.send(frame)
    channel.close()
    assert peer.read(to_end=True) == left


def test_writing_to_a_dead_process_is_found_out_by_reading(ends: tuple[Peer, Channel]) -> None:
    peer, channel = ends
    channel.close()
    peer.send(Frame(Kind.TASK, 1, None, b"lost"))
    assert not peer.wants_write
    assert peer.is_open
    assert peer.read() == []
    assert not peer.is_open


def test_a_child_learns_that_the_sentinel_is_gone(ends: tuple[Peer, Channel]) -> None:
    peer, channel = ends
    peer.send(Frame(Kind.STOP))
    peer.close()
    assert channel.receive() == Frame(Kind.STOP)
    with pytest.raises(EOFError):
        channel.receive()
    with pytest.raises(OSError, match=r"[Bb]roken pipe"):
        channel.send(Frame(Kind.DONE))


def test_a_child_waits_as_long_as_it_is_told(ends: tuple[Peer, Channel]) -> None:
    peer, channel = ends
    begun = time.monotonic()
    assert channel.receive(timeout=0.05) is None
    assert 0.04 < time.monotonic() - begun < 2
    peer.send(FRAMES[0])
    peer.send(FRAMES[1])
    assert channel.receive(timeout=0) == FRAMES[0]
    assert channel.has_frame
    assert channel.receive(timeout=0) == FRAMES[1]
    assert not channel.has_frame


def test_threads_of_one_child_do_not_mix_their_frames(ends: tuple[Peer, Channel]) -> None:
    peer, channel = ends

    def chatter(number: int) -> None:
        for _ in range(30):
            channel.send(Frame(Kind.DONE, number, [number] * 10, bytes([number]) * 70_000))

    threads = [threading.Thread(target=chatter, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    frames: list[Frame] = []
    while len(frames) < 120:
        frames += peer.read()
    for thread in threads:
        thread.join()
    assert all(set(frame.payload) == {frame.seq} == set(frame.header) for frame in frames)
