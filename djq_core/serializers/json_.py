"""The serializer for plain values that any language can read."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from djq_core.exceptions import SerializationError
from djq_core.serializers.base import Serializer


class JsonSerializer(Serializer):
    """Write texts, numbers, booleans, None, lists and dictionaries with text keys; tuples come back as lists."""

    tag: ClassVar[str] = "json"

    def dumps(self, value: Any) -> bytes:
        """Return the value as JSON; raise SerializationError with what JSON does not have."""
        try:
            return json.dumps(_checked(value), allow_nan=False, separators=(",", ":")).encode("ascii")
        except RecursionError as error:
            raise SerializationError(f"{_of(value)} is nested too deeply for JSON.") from error
        except MemoryError as error:
            raise SerializationError(f"{_of(value)} is too large to write as JSON in the memory at hand.") from error
        except (TypeError, ValueError) as error:
            raise SerializationError(f"{_of(value)} cannot be written as JSON: {error}.") from error

    def loads(self, data: bytes) -> Any:
        """Return the value of verified bytes; raise ValueError when they are no JSON."""
        return json.loads(data)


def _checked(value: Any) -> Any:
    """Return the value; raise TypeError for a key that JSON would silently turn into a text."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} is of type {type(key).__name__}, JSON has keys of type str")
            _checked(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _checked(item)
    return value


def _of(value: Any) -> str:
    return f"A value of type {type(value).__qualname__!r}"
