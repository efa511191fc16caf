"""What the kernel tells of a file before anybody has looked into it: Linux has inotify, elsewhere nothing is told."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

_MODIFIED: Final = 0x2
_FLAGS: Final = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
#: An event: the watch, what happened, a cookie, and how many bytes of a name follow.
_EVENT: Final = struct.Struct("iIII")
_BYTES: Final = 64 * 1024


class Stirring:
    """Tells that one of some files in a folder was written to; a file may come and go. Raises OSError."""

    def __init__(self, folder: Path, names: Collection[str]) -> None:
        if not sys.platform.startswith("linux"):
            raise OSError("only Linux has inotify")
        self._names = {os.fsencode(name) for name in names}
        libc = ctypes.CDLL(None, use_errno=True)
        self._file = _checked(libc.inotify_init1(_FLAGS))
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)
        try:
            _checked(libc.inotify_add_watch(self._file, os.fsencode(folder), _MODIFIED))
        except OSError:
            self.close()
            raise

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for the kernel to tell of the folder; return whether it told of one of the files."""
        if not self._poll.poll(seconds * 1000):
            return False
        try:
            told = os.read(self._file, _BYTES)
        except BlockingIOError:
            return False
        return not self._names.isdisjoint(_names(told))

    def close(self) -> None:
        """Stop taking notice."""
        os.close(self._file)


def _names(told: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(told):
        *_, length = _EVENT.unpack_from(told, start)
        start += _EVENT.size
        yield told[start : start + length].rstrip(b"\0")
        start += length


def _checked(answer: int) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return answer
