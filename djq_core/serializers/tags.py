"""What JSON does not have, as what it has: an object with a single key that begins with ``$`` and names the type.

A dictionary of a single key that begins so itself, or with keys that are no texts, becomes a tagged list of pairs.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Model

from djq_core.exceptions import DeserializationError
from djq_core.serializers import instances

Moment = TypeVar("Moment", datetime, time)
#: Returns a value as JSON has it; the number is how many levels may still follow below it.
Write = Callable[[Any, int], Any]

MARK: Final = "$"
#: What JSON has, of exactly these types.
PLAIN: Final = frozenset({str, int, float, bool, type(None)})
#: Where the halves of a surrogate pair stand side by side; JSON cannot tell them from the character that they make.
_HALVES: Final = re.compile("(?<=[\ud800-\udbff])(?=[\udc00-\udfff])")


class TooDeep(Exception):
    """More levels than there may be."""


# Writing


def written(value: Any, room: int) -> Any:
    """Return a value as what JSON has; raise TypeError for what has no form there, TooDeep past ``room`` levels."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if write := _WRITERS.get(kind):
        return write(value, room)
    return _written_as_base(value, room)


def _written_as_base(value: Any, room: int) -> Any:
    """Return a value of a class derived from one of ours as that one, provided that this makes no difference."""
    if isinstance(value, str | int | float):
        return value
    for kind, write in _WRITERS.items():
        if isinstance(value, kind):
            made = write(value, room)
            if kind in _COMPARED and not (read(made) == value):  # noqa: SIM201 - a class may redefine only ==
                break
            return made
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


def _items(value: Collection[Any], room: int) -> Collection[Any]:
    """Return the items of a list, a tuple or a set; a look at all types at once costs a tenth of one at each."""
    if not room:
        raise TooDeep
    if not value or PLAIN.issuperset(map(type, value)):
        return value if type(value) is list else list(value)
    room -= 1
    return [
        item if (kind := type(item)) in PLAIN else _WRITERS.get(kind, _written_as_base)(item, room) for item in value
    ]


def _dict(value: dict[Any, Any], room: int) -> dict[str, Any]:
    if not room:
        raise TooDeep
    pairs = dict.items(value)  # of a class derived from it: what it holds, not what it shows
    room -= 1
    if not _has_own_texts(value):
        return {"$dict": [[written(key, room), written(item, room)] for key, item in pairs]}
    return {
        key: item if (kind := type(item)) in PLAIN else _WRITERS.get(kind, _written_as_base)(item, room)
        for key, item in pairs
    }


def _has_own_texts(value: dict[Any, Any]) -> bool:
    """Tell whether the keys are texts, and could not be taken for a tag."""
    if len(value) == 1:
        (key,) = value
        return isinstance(key, str) and not key.startswith(MARK)
    return all([isinstance(key, str) for key in value])  # noqa: C419 - a generator takes twice as long


def _moment(value: datetime | time) -> Any:
    """Return an ISO text; with the name of the time zone and the fold where the text cannot say them."""
    zone = value.tzinfo.key if isinstance(value.tzinfo, ZoneInfo) else None
    if zone is None and not value.fold:
        return value.isoformat()
    return [value.replace(tzinfo=None).isoformat() if zone else value.isoformat(), zone, value.fold]


def _model(value: Model, room: int) -> dict[str, Any]:
    label, key, alias = instances.reference(value)
    return {"$model": [label, written(key, room), alias]}


def has_halves(text: str) -> bool:
    """Tell whether the halves of a surrogate pair stand side by side."""
    return _HALVES.search(text) is not None


def apart(made: Any) -> Any:
    """Return what JSON has with the halves of each surrogate pair in texts of their own."""
    if isinstance(made, str):
        return {"$text": _HALVES.split(made)} if has_halves(made) else made
    if isinstance(made, list):
        return [apart(item) for item in made]
    if not isinstance(made, dict):
        return made
    pairs = [(apart(key), apart(item)) for key, item in made.items()]
    return dict(pairs) if all(isinstance(key, str) for key, _ in pairs) else {"$dict": pairs}


#: In this order, for a datetime is a date.
_WRITERS: Final[Mapping[type, Write]] = {
    list: _items,
    dict: _dict,
    tuple: lambda value, room: {"$tuple": _items(value, room)},
    datetime: lambda value, _: {"$datetime": _moment(value)},
    date: lambda value, _: {"$date": value.isoformat()},
    time: lambda value, _: {"$time": _moment(value)},
    timedelta: lambda value, _: {"$timedelta": [value.days, value.seconds, value.microseconds]},
    Decimal: lambda value, _: {"$decimal": str(value)},
    UUID: lambda value, _: {"$uuid": value.hex},
    bytes: lambda value, _: {"$bytes": b64encode(value).decode("ascii")},
    set: lambda value, room: {"$set": _items(value, room)},
    frozenset: lambda value, room: {"$frozenset": _items(value, room)},
    Model: _model,
}
_COMPARED: Final = frozenset({datetime, date, time, timedelta, Decimal, UUID, bytes})


# Reading


def read(found: dict[str, Any]) -> Any:
    """Return the value of an object that was read, its parts before it; raise DeserializationError for a wrong tag."""
    if len(found) != 1:
        return found
    ((tag, value),) = found.items()
    if not tag.startswith(MARK):
        return found
    if tag not in _READERS:
        raise DeserializationError(f"{tag!r} is no tag that this djq knows: {', '.join(sorted(_READERS))}.")
    try:
        return _READERS[tag](value)
    except DeserializationError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise DeserializationError(f"{tag} is damaged: {type(error).__name__}: {error}") from error


def _read_moment(kind: type[Moment], value: Any) -> Moment:
    if isinstance(value, str):
        return kind.fromisoformat(value)
    text, zone, fold = value
    moment = kind.fromisoformat(text).replace(fold=fold)
    return moment.replace(tzinfo=_zone(zone)) if zone else moment


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except OSError as error:  # a folder of zones, a name that is too long
        raise ValueError(f"{name!r} is no time zone") from error


def _read_bytes(value: str) -> bytes:
    return b64decode(value, validate=True)


def _read_timedelta(value: list[int]) -> timedelta:
    days, seconds, microseconds = value
    return timedelta(days, seconds, microseconds)


_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "$text": "".join,
    "$dict": lambda value: {key: item for key, item in value},  # noqa: C416 - dict() would take texts for pairs
    "$tuple": tuple,
    "$datetime": lambda value: _read_moment(datetime, value),
    "$date": date.fromisoformat,
    "$time": lambda value: _read_moment(time, value),
    "$timedelta": _read_timedelta,
    "$decimal": Decimal,
    "$uuid": UUID,
    "$bytes": _read_bytes,
    "$set": set,
    "$frozenset": frozenset,
    "$model": lambda value: instances.fetch(*value),
}
