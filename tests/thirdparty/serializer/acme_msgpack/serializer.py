"""A subset of MessagePack: https://github.com/msgpack/msgpack/blob/master/spec.md."""

from __future__ import annotations

import io
import struct
from typing import Any

from djq_core.exceptions import SerializationError
from djq_core.serializers import Serializer

NONE, FALSE, TRUE, BYTES, FLOAT, INTEGER, TEXT, LIST, DICT = (
    0xC0, 0xC2, 0xC3, 0xC6, 0xCB, 0xD3, 0xDB, 0xDD, 0xDF,
)  # fmt: skip
CONSTANTS = {NONE: None, FALSE: False, TRUE: True}


class MsgpackSerializer(Serializer):
    """None, booleans, integers of 64 bits, floats, texts, bytes, lists and dictionaries; tuples become lists."""

    tag = "acme-msgpack"

    def dumps(self, value: Any) -> bytes:
        """Return the value packed; raise SerializationError naming what cannot be."""
        try:
            return b"".join(_packed(value, self.max_nesting_depth))
        except (TypeError, ValueError, struct.error) as error:
            kind = type(value).__name__
            raise SerializationError(f"A value of type {kind!r} cannot be packed: {error}.") from error

    def loads(self, data: bytes) -> Any:
        """Return the value; raise ValueError where bytes are missing or left."""
        stream = io.BytesIO(data)
        value = _unpacked(stream)
        if stream.read(1):
            raise ValueError("There are bytes behind the value.")
        return value


def _packed(value: Any, room: int) -> list[bytes]:
    if value is None or isinstance(value, bool):
        return [bytes([NONE if value is None else TRUE if value else FALSE])]
    if isinstance(value, int):
        return [struct.pack(">Bq", INTEGER, value)]
    if isinstance(value, float):
        return [struct.pack(">Bd", FLOAT, value)]
    if isinstance(value, str | bytes):
        data = value.encode(errors="surrogatepass") if isinstance(value, str) else value
        return [struct.pack(">BI", TEXT if isinstance(value, str) else BYTES, len(data)), data]
    return _packed_container(value, room)


def _packed_container(value: Any, room: int) -> list[bytes]:
    if not room:
        raise ValueError("it is nested too deeply")
    if isinstance(value, list | tuple):
        return [struct.pack(">BI", LIST, len(value)), *(piece for item in value for piece in _packed(item, room - 1))]
    if isinstance(value, dict):
        pieces = [piece for pair in value.items() for each in pair for piece in _packed(each, room - 1)]
        return [struct.pack(">BI", DICT, len(value)), *pieces]
    raise TypeError(f"{type(value).__name__} is not known to it")


def _unpacked(stream: io.BytesIO) -> Any:
    (code,) = _read(stream, ">B")
    if code in CONSTANTS:
        return CONSTANTS[code]
    if code in (INTEGER, FLOAT):
        return _read(stream, ">q" if code == INTEGER else ">d")[0]
    (size,) = _read(stream, ">I")
    if code in (TEXT, BYTES):
        data = stream.read(size)
        if len(data) < size:
            raise ValueError("The value was cut.")
        return data.decode(errors="surrogatepass") if code == TEXT else data
    if code == LIST:
        return [_unpacked(stream) for _ in range(size)]
    if code == DICT:
        return {_unpacked(stream): _unpacked(stream) for _ in range(size)}
    raise ValueError(f"{code:#x} begins no value.")


def _read(stream: io.BytesIO, form: str) -> tuple[Any, ...]:
    try:
        return struct.unpack(form, stream.read(struct.calcsize(form)))
    except struct.error as error:
        raise ValueError("The value was cut.") from error
