"""The bars that we have set ourselves, as data: ratios of medians of one interleaved run, or limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.figures import ratio


@dataclass(frozen=True, slots=True)
class Bar:
    """One of ours against others: each ratio must reach ``limit``, or stay within it unless ``is_least``.

    Without others, the figure itself must. ``beside`` is a figure of the same kind that noise does not reach; its
    ratios are shown and judge nothing.
    """

    scenario: str
    figure: str
    ours: str
    limit: float
    others: tuple[str, ...] = ()
    is_least: bool = True
    beside: str = ""

    @property
    def sign(self) -> str:
        """How the limit is to be read."""
        return "≥" if self.is_least else "≤"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a bar: the figure found for each of the others, or for ours alone under ""."""

    bar: Bar
    found: Mapping[str, float]
    missing: tuple[str, ...] = field(default=())

    @property
    def has_held(self) -> bool | None:
        """Whether the bar was held; None where nothing can be said."""
        if not self.found:
            return None
        limit = self.bar.limit
        return all(each >= limit if self.bar.is_least else each <= limit for each in self.found.values())


def judge(bar: Bar, medians: Mapping[str, float]) -> Verdict:
    """Judge a bar by the medians of its figure, by system."""
    ours = medians.get(bar.ours)
    if ours is None:
        return Verdict(bar, {}, (bar.ours,))
    if not bar.others:
        return Verdict(bar, {"": ours})
    found = {other: ratio(ours, medians[other]) for other in bar.others if other in medians}
    return Verdict(bar, found, tuple(other for other in bar.others if other not in medians))


def of(scenario: str) -> Iterable[Bar]:
    """Return the bars of a scenario."""
    return (bar for bar in BARS if bar.scenario == scenario)


_ORM, _SQLITE = "djq-orm-postgresql", "djq-orm-sqlite"
_RECEIPTS, _OFF = "djq-receipts-postgresql", "djq-redis-off"
_FOUR = (_ORM, _SQLITE, _RECEIPTS, _OFF)
_Q2, _Q2_SQLITE, _Q2_REDIS = "django-q2-orm-postgresql", "django-q2-orm-sqlite", "django-q2-redis-postgresql"
_ON_POSTGRESQL = (_Q2, "procrastinate", "django-tasks-db", "django-ox", "dj-queue", "steady-queue", "huey-postgresql")
_ON_REDIS = (_Q2_REDIS, "celery-late", "celery-off", "dramatiq", "rq", "huey-redis")


def _drain(ours: str, limit: float, *others: str) -> Bar:
    return Bar("drain", "tasks/s", ours, limit, others, beside="tasks/CPU s")


def _growth(figure: str, ours: str) -> Bar:
    return Bar("growth", figure, ours, 0.8, beside=f"{figure} by CPU")


def _least(scenario: str, figure: str, ours: str, limit: float, *others: str) -> Bar:
    return Bar(scenario, figure, ours, limit, others)


def _most(scenario: str, figure: str, ours: str, limit: float, *others: str) -> Bar:
    return Bar(scenario, figure, ours, limit, others, is_least=False)


BARS: tuple[Bar, ...] = (
    _drain(_ORM, 15, _Q2, "procrastinate", "django-tasks-db"),
    _drain(_ORM, 10, "django-ox"),
    _drain(_ORM, 4, "huey-postgresql", "dj-queue"),
    _drain(_ORM, 1 / 3, "raw-postgresql"),
    _drain(_SQLITE, 12, _Q2_SQLITE),
    _drain(_SQLITE, 1 / 8, "raw-sqlite"),
    _drain(_RECEIPTS, 40, "celery-late"),
    _drain(_RECEIPTS, 12, _Q2_REDIS),
    _drain(_RECEIPTS, 1 / 3, "raw-redis-postgresql"),
    _drain(_OFF, 3, "celery-off", "dramatiq", "rq", "rq-simple", "huey-redis"),
    *(_drain(f"{name}-loud", 0.8, name) for name in _FOUR),
    _least("enqueue", "single/s", _ORM, 1, *_ON_POSTGRESQL),
    _least("enqueue", "single/s", _ORM, 1 / 1.5, "raw-postgresql"),
    _least("enqueue", "single/s", _SQLITE, 1, _Q2_SQLITE),
    _least("enqueue", "single/s", _OFF, 1, *_ON_REDIS),
    _least("enqueue", "single/s", _OFF, 1 / 1.5, "raw-redis"),
    _least("enqueue", "single/s", _RECEIPTS, 1, *_ON_REDIS),
    _least("enqueue", "single/s", _RECEIPTS, 1 / 1.5, "raw-redis-postgresql"),
    *(_least("enqueue", "bulk/single", name, 10) for name in (_ORM, _RECEIPTS, _OFF)),
    _most("latency", "ms p95", _RECEIPTS, 1, *_ON_REDIS),
    _most("latency", "ms p95", _OFF, 1, *_ON_REDIS),
    _most("latency", "ms p95", _ORM, 1 / 2, "procrastinate"),
    _most("latency", "ms p95", _SQLITE, 1 / 10, _Q2_SQLITE),
    *(_least("sleep5", "busy %", name, 97) for name in _FOUR),
    *(
        _most("memory", figure, ours, 1, other)
        for ours, other in ((_ORM, _Q2), (_SQLITE, _Q2_SQLITE), (_RECEIPTS, _Q2_REDIS))
        for figure in ("MiB idle", "MiB loaded")
    ),
    _most("idle", "queries/5 s", _ORM, 1),
    *(_most("idle", "% of a core", name, 1) for name in _FOUR),
    *(_growth(figure, name) for name in _FOUR for figure in ("drain share", "enqueue share")),
    *(_growth("save share", name) for name in (_ORM, _SQLITE, _RECEIPTS)),
    *(_most("long", "longest pause s", name, 0.5) for name in _FOUR),
)
