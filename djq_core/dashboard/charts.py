"""Charts as the paths of an SVG: lines over the last half hour, drawn on the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from djq_core.dashboard.texts import duration, number
from djq_core.monitor.dashboard import Point
from djq_core.monitor.dashboard.series import LENGTH

#: The size of the plane, in the units of the paths; it is stretched to the space there is.
WIDTH: Final = 600
HEIGHT: Final = 120
#: A line is drawn across so many points of which nothing is known; a longer gap stays one.
_BRIDGED: Final = 4
_STEPS: Final = (1, 2, 5, 10)

Text = Callable[[float | None], str]
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: what it shows, its newest and highest value as texts, and its paths; ``tone`` is its look."""

    label: str
    tone: str
    now: str
    most: str
    path: str
    area: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Lines over one scale from 0 to ``top``, whose middle is ``half``; ``summary`` is the chart in words."""

    title: str
    lines: tuple[Line, ...]
    top: str
    half: str
    is_empty: bool

    @property
    def summary(self) -> str:
        """Say what the lines show."""
        told = _("%(label)s: now %(now)s, at most %(most)s")
        lines = [told % {"label": line.label, "now": line.now, "most": line.most} for line in self.lines]
        return f"{self.title}. {'; '.join(lines)}."


def charts_of(points: Sequence[Point]) -> list[Chart]:
    """Return the charts of one queue: depth, throughput, how long tasks waited and how long they ran."""
    return [
        _chart(
            _("Queue depth"),
            number,
            (_("on the queue"), "first", [point.queued for point in points]),
            (_("fetched"), "second", [point.held for point in points]),
        ),
        _chart(
            _("Runs a minute"),
            number,
            (_("all"), "first", [point.processed for point in points]),
            (_("failed"), "bad", [point.failed for point in points]),
        ),
        _chart(_("Time in the queue"), duration, *_percentiles([point.waits for point in points])),
        _chart(_("Time to run"), duration, *_percentiles([point.runs for point in points])),
    ]


def _percentiles(pairs: Sequence[tuple[float | None, float | None]]) -> list[tuple[str, str, Values]]:
    return [
        (_("p95"), "second", [pair[1] for pair in pairs]),
        (_("p50"), "first", [pair[0] for pair in pairs]),
    ]


def _chart(title: str, text: Text, *lines: tuple[str, str, Values]) -> Chart:
    known = [value for *_ignored, values in lines for value in values if value is not None]
    top = ceiling(max(known, default=0.0), at_least=1.0 if text is number else 0.001)
    return Chart(
        title=title,
        lines=tuple(_line(label, tone, values, top, text) for label, tone, values in lines),
        top=text(top),
        half=text(top / 2),
        is_empty=not known,
    )


def _line(label: str, tone: str, values: Values, top: float, text: Text) -> Line:
    known = [value for value in values if value is not None]
    runs = [[_place(number, value, top) for number, value in run] for run in _unbroken(values)]
    return Line(
        label=label,
        tone=tone,
        now=text(next((value for value in reversed(values[-_BRIDGED:]) if value is not None), None)),
        most=text(max(known, default=None)),
        path=" ".join(f"M{' L'.join(run)}" for run in runs),
        area=" ".join(f"M{_foot(run[0])} L{' L'.join(run)} L{_foot(run[-1])} Z" for run in runs),
    )


def _unbroken(values: Values) -> list[list[tuple[int, float]]]:
    """Return the known values with their numbers, in runs that no long gap divides; a lone one is a short stroke."""
    runs: list[list[tuple[int, float]]] = []
    for number_, value in enumerate(values):
        if value is None:
            continue
        if not runs or number_ - runs[-1][-1][0] > _BRIDGED:
            runs.append([])
        runs[-1].append((number_, value))
    return [run if len(run) > 1 else [run[0], (run[0][0] + 1, run[0][1])] for run in runs]


def _place(number_: int, value: float, top: float) -> str:
    """Return coordinates; a path knows no language, so nothing of it is localized."""
    return f"{number_ * WIDTH / (LENGTH - 1):.1f},{HEIGHT - value * HEIGHT / top:.1f}"


def _foot(place: str) -> str:
    return f"{place.partition(',')[0]},{HEIGHT}"


def ceiling(value: float, *, at_least: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    power = at_least
    while power * 10 < value:
        power *= 10
    return next((power * step for step in _STEPS if power * step >= value), power * 10)
