"""The kinds of values that a key may have: each says in words what it accepts, and reads or refuses a value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.functional import Promise

WRONG_TYPE: Final = "djq.E002"
OUT_OF_RANGE: Final = "djq.E003"
NO_CHOICE: Final = "djq.E004"

_DIGITS: Final = re.compile(r"\s*-?\d+(\.\d+)?\s*")
_DOTTED: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")
_A_CHOICE_SHOWN: Final = 60


class Refused(Exception):
    """A value was refused: the code of the problem, what the value is instead, and the remedy where it is special."""

    def __init__(self, code: str, found: str, hint: str = "") -> None:
        super().__init__(found)
        self.code = code
        self.found = found
        self.hint = hint


def _type_refused(value: object, hint: str = "") -> Refused:
    return Refused(WRONG_TYPE, f"a value of type {type(value).__name__}", hint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of value; ``or_none`` adds None."""

    or_none: bool = False

    @property
    def text(self) -> str:
        """What is accepted, to follow "must be"."""
        return f"{self._text()} or None" if self.or_none else self._text()

    def read(self, value: Any) -> Any:
        """Return the value as Conf keeps it; raise Refused."""
        return None if value is None and self.or_none else self._read(value)

    def _text(self) -> str:
        raise NotImplementedError

    def _read(self, value: Any) -> Any:
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Kind):
    """True or False."""

    def _text(self) -> str:
        return "True or False"

    def _read(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        raise _type_refused(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Kind):
    """A finite number within bounds; ``at_least`` is allowed itself, ``above`` and ``below`` are not."""

    at_least: float | None = None
    above: float | None = None
    below: float | None = None
    unit: str = ""
    is_whole: bool = False
    or_flag: bool = False

    def _text(self) -> str:
        noun = ("True, False or " if self.or_flag else "") + ("a whole number" if self.is_whole else "a number")
        bounds = {"of at least": self.at_least, "above": self.above, "below": self.below}
        told = " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)
        return " ".join(filter(None, [noun, self.unit and f"of {self.unit}", told]))

    def _read(self, value: Any) -> Any:
        if isinstance(value, bool):
            if self.or_flag:
                return value
            raise _type_refused(value)
        if not isinstance(value, int if self.is_whole else int | float):
            raise _type_refused(value, _number_hint(value))
        if not self._is_within(value):
            raise Refused(OUT_OF_RANGE, f"{value!r}")
        return value

    def _is_within(self, value: float) -> bool:
        return (
            (isinstance(value, int) or math.isfinite(value))
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


def _number_hint(value: object) -> str:
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return "The value is text, as environment variables are: convert it with int() or float()."
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Kind):
    """A text that is not empty, of so many characters at most.

    ``is_dotted`` is a dotted path, ``is_lazy`` takes a text translated later too.
    """

    is_dotted: bool = False
    is_lazy: bool = False
    or_flag: bool = False
    longest: int | None = None

    def _text(self) -> str:
        noun = "a dotted path as text" if self.is_dotted else "a text that is not empty"
        noun = noun if self.longest is None else f"a text of 1 to {self.longest} characters"
        return f"True, False or {noun}" if self.or_flag else noun

    def _read(self, value: Any) -> str | bool:
        if self.or_flag and isinstance(value, bool):
            return value
        if self.is_lazy and isinstance(value, Promise):
            return str(value)
        if not isinstance(value, str):
            raise _type_refused(value)
        if not value.strip():
            raise Refused(OUT_OF_RANGE, "an empty text")
        if self.is_dotted and not _DOTTED.fullmatch(value):
            raise Refused(OUT_OF_RANGE, "this text", "Write it as 'package.module.Name'.")
        if self.longest is not None and len(value) > self.longest:
            raise Refused(OUT_OF_RANGE, f"one of {len(value)}")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice(Kind):
    """One of the names that ``names`` returns when asked."""

    names: Callable[[], Iterable[str]]

    def _text(self) -> str:
        return f"one of {', '.join(map(repr, self.names()))}"

    def _read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise _type_refused(value)
        names = list(self.names())
        if value not in names:
            raise Refused(NO_CHOICE, repr(value[:_A_CHOICE_SHOWN]), _nearest(value, names))
        return value


def _nearest(value: str, names: Iterable[str]) -> str:
    folded = {name.casefold(): name for name in names}
    found = get_close_matches(value.casefold(), folded, n=1)
    return f"Did you mean {folded[found[0]]!r}?" if found else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeZone(Kind):
    """The name of a time zone."""

    def _text(self) -> str:
        return "the name of a time zone such as 'Europe/Amsterdam'"

    def _read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise _type_refused(value)
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            hint = "Names are listed by zoneinfo.available_timezones(); where it lists none, pip install tzdata."
            raise Refused(NO_CHOICE, repr(value[:_A_CHOICE_SHOWN]), hint) from None
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Names(Kind):
    """A collection of texts, kept as ``into``."""

    into: Callable[[Iterable[str]], Any] = tuple

    def _text(self) -> str:
        return "a list of texts"

    def _read(self, value: Any) -> Any:
        if not isinstance(value, list | tuple | set | frozenset):
            raise _type_refused(value)
        for name in value:
            if not (isinstance(name, str) and name):
                raise Refused(WRONG_TYPE, f"a collection with a value of type {type(name).__name__}")
        return self.into(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables(Kind):
    """A dictionary of dictionaries; what they hold is read elsewhere and never shown."""

    def _text(self) -> str:
        return "a dictionary of dictionaries by name"

    def _read(self, value: Any) -> dict[str, Mapping[str, Any]]:
        if not isinstance(value, Mapping):
            raise _type_refused(value)
        for name, table in value.items():
            if not (isinstance(name, str) and name):
                raise Refused(WRONG_TYPE, f"a dictionary with a name of type {type(name).__name__}")
            if not (isinstance(table, Mapping) and all(isinstance(key, str) for key in table)):
                raise Refused(WRONG_TYPE, f"a dictionary whose {name!r} is no dictionary with texts as keys")
        return {name: dict(table) for name, table in value.items()}
