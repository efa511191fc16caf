"""How long a failed task waits before it is tried again: in steps, or ever longer with some chance."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from djq_core.conf.kinds import NO_CHOICE, OUT_OF_RANGE, WRONG_TYPE, Kind, Refused
from djq_core.phrases import Phrase

#: The longest pause, a year: every broker can count so far ahead.
LONGEST: Final = 366 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Steps:
    """The seconds after the first attempt, the second and so on; the last ones repeat."""

    seconds: tuple[float, ...]

    def delay(self, attempt: int) -> float:
        """Return the pause after an attempt, counted from 1."""
        return float(self.seconds[min(max(attempt, 1), len(self.seconds)) - 1])

    @property
    def longest(self) -> float:
        """The longest pause."""
        return max(self.seconds)

    def plain(self) -> float | list[float]:
        """Return what it was written as."""
        return self.seconds[0] if len(self.seconds) == 1 else list(self.seconds)


@dataclass(frozen=True, slots=True)
class Exponential:
    """``initial`` seconds, ``factor`` times as many after each attempt, ``maximum`` at most.

    ``jitter`` is the share of a pause that chance may take away: tasks that failed together are not tried together.
    """

    initial: float
    factor: float = 2
    maximum: float = 3600
    jitter: float = 0.5

    def delay(self, attempt: int, chance: Callable[[], float] = random.random) -> float:
        """Return the pause after an attempt, counted from 1; ``chance`` gives a number from 0 to 1."""
        try:
            pause = min(self.maximum, self.initial * float(self.factor) ** (max(attempt, 1) - 1))
        except OverflowError:
            pause = self.maximum if self.initial else 0.0
        return pause * (1 - self.jitter * chance())

    @property
    def longest(self) -> float:
        """The longest pause."""
        return self.maximum

    def plain(self) -> dict[str, float]:
        """Return what it was written as."""
        return asdict(self)


Backoff = Steps | Exponential

_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "initial": (0, LONGEST),
    "factor": (1, 1000),
    "maximum": (0, LONGEST),
    "jitter": (0, 1),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Kind):
    """Seconds, a list of seconds, or a dictionary of the fields of :class:`Exponential`; kept as a Backoff."""

    def _text(self) -> str:
        return Phrase(
            "a number of seconds of at least 0, a list of them, "
            "a dictionary such as {'initial': 2, 'factor': 2, 'maximum': 600, 'jitter': 0.5}"
        )

    def _read(self, value: Any) -> Backoff:
        if isinstance(value, Mapping):
            return Exponential(**_named(value))
        if isinstance(value, list | tuple):
            if not value:
                raise Refused(OUT_OF_RANGE, Phrase("an empty list"))
            return Steps(tuple(_within(each, (0, LONGEST)) for each in value))
        return Steps((_within(value, (0, LONGEST)),))


PAUSE: Final = Pause()


def _named(given: Mapping[Any, Any]) -> dict[str, float]:
    names = [field.name for field in fields(Exponential)]
    if any(name not in names for name in given):
        raise Refused(
            NO_CHOICE, Phrase("a dictionary with other names"), Phrase("Its names are {names}.", names=", ".join(names))
        )
    if "initial" not in given:
        raise Refused(
            OUT_OF_RANGE,
            Phrase("a dictionary without 'initial'"),
            Phrase("Write the seconds of the first pause there."),
        )
    return {name: _within(value, _BOUNDS[name], name) for name, value in given.items()}


def _within(value: Any, bounds: tuple[float, float], name: str = "") -> float:
    least, most = bounds
    told = f"{name!r}: " if name else ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(WRONG_TYPE, Phrase("{place}a value of type {kind}", place=told, kind=type(value).__name__))
    if not (isinstance(value, int) or math.isfinite(value)) or not least <= value <= most:
        raise Refused(
            OUT_OF_RANGE, f"{told}{value!r}", Phrase("It takes {least:g} to {most:,.0f}.", least=least, most=most)
        )
    return value
