"""The serializer for values that any language can read, with tags for the types that JSON does not have."""

from __future__ import annotations

import json
from functools import partial
from typing import Any, ClassVar, Final

from djq_core.exceptions import DeserializationError, SerializationError
from djq_core.serializers.base import Serializer
from djq_core.serializers.depth import depth_of_text, depth_of_value
from djq_core.serializers.tags import TooDeep, apart, has_halves, read, written

#: The levels of JSON that one level of a value may take: an object, its list of pairs, and a pair.
_MOST_LEVELS: Final = 3
#: How many levels too many may be told of a text.
_TOO_MANY: Final = 8
#: One for all, for making one takes as long as a small value. What has too many levels is refused before, so that
#: nothing goes in circles here.
_encoder = partial(json.JSONEncoder, allow_nan=False, check_circular=False, separators=(",", ":"))
_to_ascii = _encoder().encode
_to_unicode = _encoder(ensure_ascii=False).encode
_from_plain = json.JSONDecoder().decode
_from_tagged = json.JSONDecoder(object_hook=read).decode
#: How the arguments of a call begin.
_TUPLE: Final = b'{"$tuple":'


class JsonSerializer(Serializer):
    """Write texts, numbers, booleans, None, lists and dictionaries as they are, and with a tag: datetime, date, time,
    timedelta, Decimal, UUID, bytes, tuple, set, frozenset, dictionaries with other keys, and saved model instances by
    their primary key, which are fetched where they are read.
    """

    tag: ClassVar[str] = "json"

    def dumps(self, value: Any) -> bytes:
        """Return the value as JSON in ASCII; raise SerializationError with what has no form there, or is too deep."""
        try:
            return _text(written(value, self.max_nesting_depth)).encode("ascii")
        except (TooDeep, RecursionError) as error:
            raise SerializationError(
                f"{_of(value)} is nested too deeply for JSON: max_nesting_depth allows {self.max_nesting_depth} levels."
            ) from error
        except MemoryError as error:
            raise SerializationError(f"{_of(value)} is too large to write as JSON in the memory at hand.") from error
        except (TypeError, ValueError) as error:
            raise SerializationError(f"{_of(value)} cannot be written as JSON: {error}.") from error

    def loads(self, data: bytes) -> Any:
        """Return the value of verified bytes; raise DeserializationError when they are no JSON, or nested too deeply.

        Raises InstanceGone for a model instance whose row is not there, and what the database raises.
        """
        deepest = self.max_nesting_depth
        levels = depth_of_text(data, deepest + 1)
        if levels > _MOST_LEVELS * deepest + _TOO_MANY:
            raise self._too_deep()
        try:
            value = _value(data)
        except DeserializationError:
            raise
        except (RecursionError, ValueError) as error:
            raise DeserializationError(f"This is no JSON that can be read: {error}") from error
        if levels > deepest and depth_of_value(value) > deepest:
            raise self._too_deep()
        return value

    def _too_deep(self) -> DeserializationError:
        return DeserializationError(
            f"The JSON is nested too deeply: max_nesting_depth allows {self.max_nesting_depth} levels."
        )


def _text(made: Any) -> str:
    """Return the text; only one with what ASCII takes two escapes for is looked at for halves that are no character."""
    text = _to_ascii(made)
    return _to_ascii(apart(made)) if "\\ud" in text and has_halves(_to_unicode(made)) else text


def _value(data: bytes) -> Any:
    """Return the value; what has no tag, or that of the arguments of a call alone, is read without a look at each."""
    tags = data.count(b'"$') if b"$" in data else 0
    if not tags:
        return _from_plain(data.decode())
    if tags == 1 and data.startswith(_TUPLE) and data.endswith(b"]}"):
        try:
            return tuple(_from_plain(data[len(_TUPLE) : -1].decode()))
        except ValueError:
            pass  # a dictionary with more than that key, or damaged
    return _from_tagged(data.decode())


def _of(value: Any) -> str:
    return f"A value of type {type(value).__qualname__!r}"
