"""Several serialized values as one, without reading any of them: what the result of an iter is made of."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

#: Stands where the tag of a serializer stands.
COLLATED: Final = "[]"
_HEAD: Final = struct.Struct(">BQ")


def join(values: Iterable[tuple[str, bytes]]) -> bytes:
    """Return values, each with the tag of the serializer that wrote it, one behind the other."""
    pieces: list[bytes] = []
    for tag, data in values:
        name = tag.encode()
        pieces += (_HEAD.pack(len(name), len(data)), name, data)
    return b"".join(pieces)


def split(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Return the values again, in order."""
    start = 0
    while start < len(data):
        tag_size, size = _HEAD.unpack_from(data, start)
        begin = start + _HEAD.size + tag_size
        yield data[begin - tag_size : begin].decode(), data[begin : begin + size]
        start = begin + size
