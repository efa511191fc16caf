"""From the samples of several clusters to one line of points in time: queue depth, throughput, latencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias, TypeVar

from djq_core.cluster.status import Sample

#: Seconds of one point, and how many there are: half an hour.
STEP: Final = 30
LENGTH: Final = 60
_MINUTE: Final = 60.0

Percentiles: TypeAlias = tuple[float | None, float | None]
_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What the clusters of one queue did in :data:`STEP` seconds from ``timestamp`` on; None: nobody knows.

    ``queued`` wait on the queue, ``held`` were fetched and wait in a cluster. ``processed`` and ``failed`` are runs a
    minute. ``waits`` and ``runs`` are the highest median and the highest 95th percentile that a cluster told, in
    seconds.
    """

    timestamp: float
    queued: int | None = None
    held: int | None = None
    processed: float | None = None
    failed: float | None = None
    waits: Percentiles = (None, None)
    runs: Percentiles = (None, None)


def points_of(histories: Mapping[str, Sequence[Sample]], now: float) -> tuple[Point, ...]:
    """Return the last half hour of clusters that share a queue, the oldest first.

    Points begin at whole multiples of :data:`STEP`, so that they stay what they are while time goes on. Each cluster
    tells the size of the same queue, so the largest counts; what they hold and run is added up.
    """
    first = int(now // STEP) - LENGTH + 1
    parts = [_Steps(samples, first) for samples in histories.values()]
    return tuple(_merged((first + number) * STEP, [part.at(number) for part in parts]) for number in range(LENGTH))


@dataclass(slots=True)
class _Step:
    """One cluster in one step: its samples, and its runs in so many seconds."""

    samples: list[Sample]
    seconds: float = 0.0
    processed: float = 0.0
    failed: float = 0.0


class _Steps:
    """The samples of one cluster, sorted into steps."""

    def __init__(self, samples: Sequence[Sample], first: int) -> None:
        self._first = first
        self._steps = [_Step([]) for _ in range(LENGTH)]
        for sample in samples:
            if step := self._step(int(sample.timestamp // STEP)):
                step.samples.append(sample)
        for before, after in pairwise(samples):
            self._spread(before, after)

    def at(self, number: int) -> _Step:
        return self._steps[number]

    def _step(self, absolute: int) -> _Step | None:
        number = absolute - self._first
        return self._steps[number] if 0 <= number < LENGTH else None

    def _spread(self, before: Sample, after: Sample) -> None:
        """Deal the runs between two samples out to the steps between them."""
        seconds = after.timestamp - before.timestamp
        if seconds <= 0:
            return
        processed, failed = _since(before.processed, after.processed), _since(before.failed, after.failed)
        for absolute in range(int(before.timestamp // STEP), int(after.timestamp // STEP) + 1):
            begin, end = max(before.timestamp, absolute * STEP), min(after.timestamp, (absolute + 1) * STEP)
            if end > begin and (step := self._step(absolute)):
                step.seconds += end - begin
                step.processed += processed * (end - begin) / seconds
                step.failed += failed * (end - begin) / seconds


def _since(before: int, after: int) -> int:
    """Return how many were counted; a count that has fallen began anew."""
    return after - before if after >= before else after


def _merged(timestamp: float, steps: Sequence[_Step]) -> Point:
    samples = [sample for step in steps for sample in step.samples]
    last = [step.samples[-1] for step in steps if step.samples]
    rates = [step for step in steps if step.seconds]
    return Point(
        timestamp=timestamp,
        queued=_highest(sample.queued for sample in last),
        held=sum(sample.held for sample in last) if last else None,
        processed=sum(step.processed / step.seconds * _MINUTE for step in rates) if rates else None,
        failed=sum(step.failed / step.seconds * _MINUTE for step in rates) if rates else None,
        waits=_percentiles(sample.waits for sample in samples),
        runs=_percentiles(sample.runs for sample in samples),
    )


def _percentiles(pairs: Iterable[tuple[float | None, ...]]) -> Percentiles:
    pairs = list(pairs)
    return _highest(pair[0] for pair in pairs), _highest(pair[1] for pair in pairs)


def highest_since(pairs: Iterable[Percentiles]) -> Percentiles:
    """Return the highest of several medians, and of several 95th percentiles."""
    return _percentiles(pairs)


def _highest(values: Iterable[_Number | None]) -> _Number | None:
    return max((value for value in values if value is not None), default=None)
