"""How much is done and how much waits, now and in the last half hour, out of what clusters publish."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from djq_core.cluster.history import INTERVAL, LENGTH
from djq_core.cluster.status import Sample, Status

#: The rate of now is that of at least so many seconds, where the cluster is old enough.
SPAN: Final = 30.0
#: For how many seconds the newest sample of a cluster stands for what came after it.
_FRESH: Final = 2.5 * INTERVAL


@dataclass(frozen=True, slots=True)
class Series:
    """A queue every :data:`~djq_core.cluster.history.INTERVAL`, the oldest first; None where nobody published it.

    ``depths`` are the tasks that were not started, in the broker and in the clusters; ``rates`` those that ended, a
    second.
    """

    depths: tuple[int | None, ...] = ()
    rates: tuple[float | None, ...] = ()


def rate_now(stats: Iterable[Status], histories: Mapping[str, Sequence[Sample]]) -> float | None:
    """Return how many tasks these clusters end in a second; None where that is not known yet."""
    found = [_rate_of(stat, histories.get(f"{stat.host}:{stat.cluster_id}", ())) for stat in stats]
    return _total(found)


def series(histories: Iterable[Sequence[Sample]], now: float, length: int = LENGTH) -> Series:
    """Return the last ``length`` intervals before ``now`` of all clusters of a queue; ``now`` in seconds since 1970."""
    kept = [samples for samples in histories if samples]
    moments = [now - INTERVAL * (length - 1 - number) for number in range(length)]
    return Series(
        depths=tuple(_depth(kept, moment) for moment in moments),
        rates=tuple(_total([_rate_at(samples, moment) for samples in kept]) for moment in moments),
    )


def _rate_of(stat: Status, samples: Sequence[Sample]) -> float | None:
    earlier = [sample for sample in samples if sample.timestamp < stat.timestamp]
    if not earlier:
        return None
    old_enough = [sample for sample in earlier if sample.timestamp <= stat.timestamp - SPAN]
    since = old_enough[-1] if old_enough else earlier[0]
    done = stat.processed - since.processed
    return None if done < 0 else done / (stat.timestamp - since.timestamp)


def _rate_at(samples: Sequence[Sample], moment: float) -> float | None:
    place = _place(samples, moment)
    if place is None or place == 0:
        return None
    before, after = samples[place - 1], samples[place]
    return max(0, after.processed - before.processed) / max(after.timestamp - before.timestamp, 1.0)


def _depth(histories: Sequence[Sequence[Sample]], moment: float) -> int | None:
    """All clusters see one queue, each at its own moment; what they hold themselves adds up."""
    seen = [samples[place] for samples in histories if (place := _place(samples, moment)) is not None]
    if not seen:
        return None
    return max(sample.queued or 0 for sample in seen) + sum(sample.held for sample in seen)


def _place(samples: Sequence[Sample], moment: float) -> int | None:
    """Return the sample that stands for a moment: the next one, or the last where it is not too old."""
    if moment < samples[0].timestamp:
        return None
    place = bisect_left(samples, moment, key=lambda sample: sample.timestamp)
    if place < len(samples):
        return place
    return place - 1 if moment - samples[-1].timestamp <= _FRESH else None


def _total(found: Sequence[float | None]) -> float | None:
    known = [each for each in found if each is not None]
    return sum(known) if known else None
