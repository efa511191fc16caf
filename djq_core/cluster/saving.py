"""How the monitor saves: a store that is away is waited for, and a row that is refused becomes a failure."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from djq_core.cluster.answering import Answering
from djq_core.cluster.aside import recover
from djq_core.cluster.callbacks import Saved
from djq_core.cluster.chains import LinkNotSent
from djq_core.cluster.channels import Frame, Kind
from djq_core.cluster.keeper import FINAL, Keeper, Verdict, verdict
from djq_core.cluster.unpacking import bare_package
from djq_core.cluster.untold import Untold
from djq_core.enqueue import enqueue
from djq_core.envelope import TaskPackage
from djq_core.exceptions import ResultBackendUnavailable
from djq_core.results import Stored

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

T = TypeVar("T")


def is_cached(entry: Saved) -> bool:
    """Is it saved into the cache?"""
    return bool(entry.result.package.cached)


class Saving:
    """Saves batches, each of results for one store."""

    def __init__(
        self,
        name: str,
        runtime: Runtime,
        keeper: Keeper,
        answering: Answering,
        untold: Untold,
        report: Callable[[Frame], None],
    ) -> None:
        """``name`` is who saves, for the log; ``report`` reaches the sentinel."""
        self._name = name
        self._runtime = runtime
        self._keeper = keeper
        self._answering = answering
        self._untold = untold
        self._report = report
        self._has_receipts = runtime.broker_class.supports_receipts
        #: Since when no next link could be sent, by the monotonic clock.
        self._unsent_since: float | None = None

    def save(self, entries: Sequence[Saved]) -> list[Saved]:
        """Save a batch; one that is refused is halved until the row that is refused stands alone.

        Raises ResultBackendUnavailable where the store is away and these entries need not, or must not, be waited for.
        """
        results = [entry.result for entry in entries]
        again = {entry.result.package.id for entry in entries if entry.header["unanswered"] > 1}
        try:
            stored = self._until_reached(lambda: self._keeper.save(results, self._submit, again=again), entries)
        except ResultBackendUnavailable:
            raise
        except Exception as error:  # whatever a database says to a row that it refuses
            if len(entries) == 1:
                return [self._save_refused(entries[0], error)]
            half = len(entries) // 2
            return [*self.save(entries[:half]), *self.save(entries[half:])]
        return [self._judged(entry, stored.get(entry.result.package.id)) for entry in entries]

    def _save_refused(self, entry: Saved, error: Exception) -> Saved:
        """Save a failure in place of a result that the store refuses, without what made it too large or unfit."""
        package = entry.result.package
        logger.error("The result of [%s] could not be saved: %s", package.name, error, exc_info=error)
        self._untold.tell(error, package.as_dict(), "monitor", attempt=entry.result.attempt)
        reason = self._runtime.dump(f"The result of {package.func} could not be saved: {type(error).__name__}: {error}")
        serializer, parts = self._runtime.conf.serializer, bare_package(self._runtime, entry.header).parts
        bare = replace(package, parts=parts, serializer=serializer)
        refused = replace(entry.result, package=bare, success=False, result=reason, serializer=serializer)
        try:
            self._until_reached(lambda: self._keeper.save([refused], self._submit), [entry])
        except ResultBackendUnavailable:
            raise
        except Exception:  # not even that: the log is the last place
            logger.critical("The failure of [%s] %s could not be saved", package.name, package.id, exc_info=True)
            return replace(entry, result=refused, verdict=Verdict(is_final=False, delay=self._runtime.conf.retry))
        return replace(entry, result=refused, verdict=FINAL)

    def _judged(self, entry: Saved, stored: Stored | None) -> Saved:
        is_settled = entry.header.get("fail") or entry.header.get("final") or not self._has_receipts
        if is_settled:
            return entry
        judged = verdict(self._runtime.conf, entry.result, stored, time.monotonic() - entry.header["fetched"])
        return entry if judged is entry.verdict else replace(entry, verdict=judged)

    def _submit(self, package: TaskPackage) -> None:
        enqueue(self._runtime, package)
        self._unsent_since = None

    def _until_reached(self, save: Callable[[], T], entries: Sequence[Saved]) -> T:
        """Save, however long the database is away: nothing is acknowledged meanwhile and the cluster stops fetching."""
        tries = 0
        while True:
            try:
                saved = save()
            except ResultBackendUnavailable as error:
                if is_cached(entries[0]) or self.is_left(entries, error):
                    raise
                if not tries:
                    self.tell_away(error)
                    self._report(Frame(Kind.STORE, header=False))
                tries += 1
                recover(tries)
                continue
            if tries:
                self.tell_back()
                self._report(Frame(Kind.STORE, header=True))
            return saved

    def tell_away(self, error: ResultBackendUnavailable) -> None:
        """Log and report that a store is away."""
        logger.error("%s cannot save: %s", self._name, error)
        self._untold.tell(error, None, "monitor")

    def tell_back(self) -> None:
        """Log that it is there again."""
        logger.info("%s saves again", self._name)

    def is_left(self, entries: Sequence[Saved], error: ResultBackendUnavailable) -> bool:
        """Has a stop waited for long enough, where leases bring back what is saved but for its link?"""
        is_saved = isinstance(error, LinkNotSent) and all(self._keeper.sends_alone(entry.result) for entry in entries)
        if not (is_saved and self._has_receipts):
            return False
        self._unsent_since = self._unsent_since or time.monotonic()
        return self._answering.is_over(self._unsent_since)
