"""Results that wait for a store which is away, while those of another one are saved."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Final

from djq_core.cluster.callbacks import Saved
from djq_core.cluster.databases import refresh_connections

#: The longest pause between two tries to save or to answer, in seconds.
LONGEST_PAUSE: Final = 2.0


def pause(tries: int) -> float:
    """Return the seconds to wait for what is away, more of them the more often it was tried."""
    return min(LONGEST_PAUSE, 0.05 * 2.0 ** min(tries, 8)) * random.uniform(0.5, 1.0)


def recover(tries: int) -> None:
    """Wait for what is away."""
    refresh_connections()
    time.sleep(pause(tries))


class Aside:
    """Batches in the order in which they came, and when the first of them is tried again."""

    def __init__(self) -> None:
        self._batches: list[Sequence[Saved]] = []
        self._tries = 0
        self._due = 0.0

    def __bool__(self) -> bool:
        return bool(self._batches)

    @property
    def patience(self) -> float | None:
        """Seconds until the next try; None where nothing waits."""
        return max(0.0, self._due - time.monotonic()) if self._batches else None

    def put(self, batch: Sequence[Saved]) -> None:
        """Let a batch wait behind the others."""
        if not self._batches:
            self._tries = 0
            self._put_off()
        self._batches.append(batch)

    def first(self) -> Sequence[Saved] | None:
        """Return the first batch if its time has come; it stays here until it is saved."""
        return self._batches[0] if self.patience == 0 else None

    def put_off(self, batch: Sequence[Saved]) -> None:
        """Let what is left of the first batch wait again, longer than before."""
        self._batches[0] = batch
        self._put_off()

    def drop(self) -> None:
        """Forget the first batch."""
        del self._batches[0]

    def _put_off(self) -> None:
        refresh_connections()
        self._tries += 1
        self._due = time.monotonic() + pause(self._tries)
