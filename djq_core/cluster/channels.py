"""How the processes of a cluster talk: frames over socket pairs, one pair for two processes.

No lock, queue or event is shared between processes, so that a killed one can never leave the others waiting.
Headers are written by ``marshal``: both ends are the same Python, and reading one runs no code.
"""

from __future__ import annotations

import json
import marshal
import select
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from enum import IntEnum, unique
from itertools import islice
from typing import Any, NamedTuple

#: kind, sequence number, length of the header, length of the payload
_HEAD = struct.Struct("!BQIQ")
_CHUNK = 1 << 18
#: The most buffers that the kernel takes in one call, on every system.
_VECTOR = 512


@unique
class Kind(IntEnum):
    """What a frame says."""

    READY = 1
    #: pusher → sentinel → worker: a package
    TASK = 2
    #: worker or pusher → sentinel → monitor: what became of a package
    RESULT = 3
    #: monitor → sentinel: saved, hook called, answered
    DONE = 4
    #: monitor → sentinel: the hook of this result (0: of none) is called now; without header: it has returned
    HOOKING = 5
    #: monitor → sentinel: saved, and not yet answered
    SAVED = 17
    #: sentinel → pusher: so many packages in all may be handed over
    GRANT = 6
    #: sentinel → pusher, monitor: renew these leases; and the answer
    RENEW = 7
    RENEWED = 8
    #: sentinel → pusher: hand these packages back; and the answer
    RELEASE = 9
    RELEASED = 10
    #: sentinel → pusher: publish this statistic
    STAT = 11
    #: sentinel → pusher: these runs of schedules that must not overlap are in hand
    RUNS = 18
    #: monitor → sentinel: the result store is there, or is not
    STORE = 12
    #: sentinel → monitor: something happened that plugins want to know
    EVENT = 13
    #: sentinel → child: finish; child → sentinel: nothing more will come
    STOP = 14
    STOPPED = 15
    #: sentinel → pusher: end your process
    LEAVE = 16


class Frame(NamedTuple):
    """One message: the header is small and read by everyone on the way, the payload only by who needs it."""

    kind: Kind
    seq: int = 0
    header: Any = None
    payload: bytes | bytearray = b""

    def __repr__(self) -> str:
        """Leave out the payload, which holds arguments or a result: error reporters show the values of a stack."""
        return f"Frame({self.kind!r}, {self.seq}, {self.header!r})"


def encode(frame: Frame, *more: bytes | bytearray) -> list[bytes | bytearray]:
    """Return the buffers of a frame; ``more`` follows its payload without being copied."""
    header = b"" if frame.header is None else _header(frame.header)
    size = len(frame.payload) + sum(map(len, more))
    head = _HEAD.pack(frame.kind, frame.seq, len(header), size) + header
    return [head, *(buffer for buffer in (frame.payload, *more) if buffer)]


def _header(header: Any) -> bytes:
    try:
        return marshal.dumps(header)
    except ValueError:  # it takes no subclasses, such as a name that is an enum's, or the number of a broker's driver
        return marshal.dumps(json.loads(json.dumps(header)))


_KINDS = {int(kind): kind for kind in Kind}


class Parser:
    """Cut a stream of bytes into frames; what is left of half a frame stays inside."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take more bytes and yield the frames that they complete."""
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= _HEAD.size:
            kind, seq, header_size, size = _HEAD.unpack_from(buffer, start)
            payload = start + _HEAD.size + header_size
            if (end := payload + size) > len(buffer):
                break
            header = marshal.loads(buffer[start + _HEAD.size : payload]) if header_size else None
            yield Frame(_KINDS[kind], seq, header, buffer[payload:end])
            start = end
        if start:
            del buffer[:start]


class Channel:
    """A child's end of a socket pair: sends and receives whole frames, and may wait."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._parser = Parser()
        self._frames: deque[Frame] = deque()
        self._out = bytearray()
        self._sending = threading.Lock()

    def fileno(self) -> int:
        """Return the file descriptor, for select."""
        return self._socket.fileno()

    @property
    def has_frame(self) -> bool:
        """Is a whole frame already here, so that select need not be asked?"""
        return bool(self._frames)

    def send(self, frame: Frame) -> None:
        """Send a frame and wait until it is written, from any thread; raise OSError when the other end is gone."""
        with self._sending:
            self.put(frame)
            self.flush()

    def put(self, frame: Frame) -> None:
        """Keep a frame for the next :meth:`flush`; large ones, and what is too much to keep, are written at once.

        Only for channels that one thread sends on.
        """
        for buffer in encode(frame):
            if len(self._out) + len(buffer) > _CHUNK:
                self.flush()
            if len(buffer) > _CHUNK:
                self._socket.sendall(buffer)
            else:
                self._out += buffer

    def flush(self) -> None:
        """Write what was kept, and wait until it is written; raise OSError when the other end is gone."""
        self._socket.sendall(self._out)
        self._out.clear()

    def receive(self, timeout: float | None = None) -> Frame | None:
        """Return the next frame, None after ``timeout`` seconds; raise EOFError when the other end is gone."""
        while not self._frames:
            if timeout is not None and not select.select([self._socket], [], [], timeout)[0]:
                return None
            self._read()
        return self._frames.popleft()

    def _read(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except ConnectionError:
            data = b""
        if not data:
            raise EOFError
        self._frames.extend(self._parser.feed(data))

    def close(self) -> None:
        """Close this end."""
        self._socket.close()


class Peer:
    """The sentinel's end of a socket pair: never waits, buffers what the other side does not take yet."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._parser = Parser()
        self._out: deque[bytes | bytearray | memoryview] = deque()
        self.is_open = True

    def fileno(self) -> int:
        """Return the file descriptor, for the selector."""
        return self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        """Is something left to be written?"""
        return bool(self._out)

    def send(self, frame: Frame, *more: bytes | bytearray) -> None:
        """Write a frame as far as possible now and keep the rest."""
        self.put(frame, *more)
        self.flush()

    def put(self, frame: Frame, *more: bytes | bytearray) -> None:
        """Keep a frame for the next :meth:`flush`, which writes many with one call."""
        self._out.extend(encode(frame, *more))

    def flush(self) -> None:
        """Write what the other side takes; a broken pipe is found out when reading."""
        try:
            while self._out:
                self._written(self._socket.sendmsg(islice(self._out, _VECTOR)))
        except BlockingIOError:
            return
        except OSError:
            self._out.clear()

    def _written(self, size: int) -> None:
        while size:
            first = self._out.popleft()
            if size < len(first):
                self._out.appendleft(memoryview(first)[size:])
                return
            size -= len(first)

    def read(self, *, to_end: bool = False) -> list[Frame]:
        """Return the frames that are there; with ``to_end`` all that a dead process has left behind."""
        frames: list[Frame] = []
        while self.is_open:
            try:
                data = self._socket.recv(_CHUNK)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            self.is_open = bool(data)
            frames.extend(self._parser.feed(data))
            if not to_end:
                break
        return frames

    def close(self) -> None:
        """Close this end and forget what was not written."""
        self.is_open = False
        self._out.clear()
        self._socket.close()
