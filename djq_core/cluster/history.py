"""The last half hour of a cluster, for charts: sampled by the pusher, which alone knows both cluster and broker."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from djq_core.brokers import Broker
from djq_core.cluster.status import Sample
from djq_core.cluster.tally import no_durations, quantile
from djq_core.conf import Conf

if TYPE_CHECKING:
    from djq_core.cluster.status import StatStore

logger = logging.getLogger("djq")

#: Seconds between two samples, and how many are kept.
INTERVAL: Final = 10.0
LENGTH: Final = 180


class Recorder:
    """Takes a sample of every :data:`INTERVAL` out of the snapshots that pass, and publishes the newest ones.

    An idle cluster whose queue is empty does not ask the broker: it would have fetched what came.
    """

    def __init__(self, broker: Broker, store: StatStore) -> None:
        self._broker = broker
        self._store = store
        self._samples: deque[Sample] = deque(maxlen=LENGTH)
        self._waits: Sequence[int] = no_durations()
        self._runs: Sequence[int] = no_durations()

    def on_snapshot(self, stat: Mapping[str, Any]) -> None:
        """Take a sample, if it is time."""
        if self._samples and stat["timestamp"] - self._samples[-1].timestamp < INTERVAL:
            return
        waits, runs = self._since(stat)
        self._samples.append(
            Sample(
                timestamp=stat["timestamp"],
                queued=0 if stat["status"] == Conf.IDLE and self._was_empty else self._queue_size(),
                held=stat["task_q_size"],
                processed=stat["processed"],
                failed=stat["failed"],
                waits=waits,
                runs=runs,
            )
        )
        self._store.put_history(f"{stat['host']}:{stat['cluster_id']}", self._samples)

    def _since(self, stat: Mapping[str, Any]) -> tuple[tuple[float | None, ...], tuple[float | None, ...]]:
        waits = [now - before for now, before in zip(stat["waits"], self._waits, strict=True)]
        runs = [now - before for now, before in zip(stat["runs"], self._runs, strict=True)]
        self._waits, self._runs = stat["waits"], stat["runs"]
        return _percentiles(waits), _percentiles(runs)

    @property
    def _was_empty(self) -> bool:
        return bool(self._samples) and self._samples[-1].queued == 0

    def _queue_size(self) -> int | None:
        try:
            return self._broker.queue_size()
        except Exception as error:  # whatever the broker's client raises; the chart has a gap there
            logger.debug("The size of the queue is not known now: %s", error)
            return None


def _percentiles(counts: Sequence[int]) -> tuple[float | None, ...]:
    return tuple(quantile(counts, share) for share in (0.5, 0.95))
