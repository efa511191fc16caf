"""RESP version 2, the server's side: requests out of bytes, and replies as bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

NULL_ARRAY = b"*-1\r\n"
NULL_BULK = b"$-1\r\n"
OK = b"+OK\r\n"


class ProtocolError(Exception):
    """What was sent is no request."""


def requests(buffer: bytearray) -> Iterator[list[bytes]]:
    """Take whole requests, arrays or inline ones, from the front of a buffer."""
    while (taken := _request(buffer)) is not None:
        words, end = taken
        del buffer[:end]
        if words:
            yield words


def _request(buffer: bytearray) -> tuple[list[bytes], int] | None:
    if not buffer:
        return None
    line = _line(buffer, 0)
    if line is None:
        return None
    text, at = line
    if not text.startswith(b"*"):
        return text.split(), at
    words: list[bytes] = []
    for _ in range(_number(text[1:])):
        if (line := _line(buffer, at)) is None:
            return None
        text, at = line
        size = _number(text[1:])
        if len(buffer) < at + size + 2:
            return None
        words.append(bytes(buffer[at : at + size]))
        at += size + 2
    return words, at


def _line(buffer: bytearray, start: int) -> tuple[bytes, int] | None:
    end = buffer.find(b"\r\n", start)
    return None if end < 0 else (bytes(buffer[start:end]), end + 2)


def _number(text: bytes) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ProtocolError(text) from error


def simple(text: str) -> bytes:
    """Return a simple string."""
    return f"+{text}\r\n".encode()


def error(text: str) -> bytes:
    """Return an error; the text begins with its prefix."""
    return f"-{text}\r\n".encode()


def integer(number: int) -> bytes:
    """Return an integer."""
    return b":%d\r\n" % number


def bulk(value: bytes | str) -> bytes:
    """Return a bulk string."""
    raw = value.encode() if isinstance(value, str) else value
    return b"$%d\r\n%b\r\n" % (len(raw), raw)


def array(items: Iterable[bytes]) -> bytes:
    """Return an array of replies."""
    parts = list(items)
    return b"*%d\r\n%b" % (len(parts), b"".join(parts))


def request(*words: bytes | str | int) -> bytes:
    """Return a request, as one node sends it to another and as it lies in the append-only file."""
    return array(bulk(str(word) if isinstance(word, int) else word) for word in words)
