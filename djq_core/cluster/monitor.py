"""The monitor: saves results, calls hooks and answers the broker, in that order (manual 1.14.5)."""

from __future__ import annotations

import logging
import os
import select
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from djq_core.brokers import Broker
from djq_core.cluster.answering import Answering, recover
from djq_core.cluster.callbacks import BATCH, Callbacks, Saved
from djq_core.cluster.chains import LinkNotSent
from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.faults import Faults
from djq_core.cluster.fencing import Receipts
from djq_core.cluster.keeper import FINAL, Keeper, Verdict, verdict
from djq_core.cluster.pruning import Pruning
from djq_core.cluster.unpacking import bare_package, unpack
from djq_core.cluster.untold import Teller, Untold
from djq_core.enqueue import enqueue
from djq_core.envelope import TaskPackage
from djq_core.exceptions import ResultBackendUnavailable
from djq_core.results import Stored

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

T = TypeVar("T")

#: Seconds that plugins may take for the last metrics and reports, when the monitor stops.
LAST_WORDS = 2.0


class Monitor:
    """The saving thread of a monitor process."""

    def __init__(self, name: str, runtime: Runtime, broker: Broker, data: Channel, control: Channel) -> None:
        self._name = name
        self._runtime = runtime
        self._broker = broker
        self._data = data
        self._control = control
        self._faults = Faults.parse(runtime.conf.faults)
        self._teller = Teller()
        self._untold = Untold(runtime.reporters, runtime.conf.name, self._teller.later)
        self._pruning = Pruning(name, runtime)
        self._keeper = Keeper(
            runtime,
            database=broker.database if broker.supports_transactions else None,
            tries_again=broker.supports_receipts,
            faults=self._faults,
            tell=self._untold.tell,
            count=self._pruning.note,
        )
        self.callbacks = Callbacks(self._keeper, runtime.hooks, self._report, self._faults)
        self._is_told_to_stop = False
        self._is_idle = False
        #: Shared with the thread that renews when the sentinel asks.
        self.receipts = Receipts(broker, self._report)
        self._answering = Answering(name, broker, self.receipts)
        #: Since when no next link could be sent, by the monotonic clock.
        self._unsent_since: float | None = None

    def hurry(self) -> None:
        """Let nothing but results that are not saved delay the end; another thread calls this."""
        self._answering.hurry()

    def tell_death(self, event: Sequence[Any]) -> None:
        """Let plugins and reporters be told of a process that died; another thread calls this."""
        self.callbacks.tell_death(event)
        self._untold.tell_death(event)

    def run(self) -> None:
        """Save and answer until told to stop and nothing is left."""
        self.callbacks.start()
        self._teller.start()
        self._control.send(Frame(Kind.READY))
        logger.info("%s monitoring at %s", self._name, os.getpid())
        while not (self._is_told_to_stop and self.callbacks.is_idle):
            self._round()
        self._pruning.finish()
        until = time.monotonic() + LAST_WORDS
        if self._runtime.hooks.wants_metrics:
            self.callbacks.wait(LAST_WORDS)
        if self._runtime.reporters:
            self._teller.wait(max(0.0, until - time.monotonic()))
        logger.info("%s stopped monitoring results", self._name)

    def _round(self) -> None:
        entries = self._collect()
        for batch in self._batches([entry for entry in entries if not entry.header.get("skip")]):
            self._settle(batch)
        self._answer([entry for entry in entries if entry.header.get("skip")])
        self._answer(self.callbacks.take_called())
        if len(entries) < BATCH or self._pruning.is_crowded:
            self._pruning.look(is_idle=self._is_idle)

    def _batches(self, entries: Sequence[Saved]) -> list[list[Saved]]:
        """Return what is saved together: a result whose link is not sent with the save stands alone.

        Whoever kills this process between the two then repeats one link, and not those of a batch.
        """
        together = [entry for entry in entries if not self._keeper.sends_alone(entry.result)]
        alone = [[entry] for entry in entries if self._keeper.sends_alone(entry.result)]
        return [together, *alone] if together else alone

    def _settle(self, entries: Sequence[Saved]) -> None:
        self._faults.hit("monitor.before_save")
        if not (entries := self._without_superseded(entries)):
            return
        try:
            saved = self._save(entries)
        except LinkNotSent:
            self._answering.leave(entries)
            self._done(entries)
            return
        self._faults.hit("monitor.after_save")
        for entry in saved:
            self._keeper.announce(entry.result)
        self._untold.tell_tasks(saved)
        if self._runtime.hooks.wants_metrics:
            self.callbacks.measure(saved, self._runtime.conf.name)
        followed: dict[bool, list[Saved]] = {True: [], False: []}
        for entry in saved:
            followed[self._is_followed(entry)].append(entry)
        if followed[True]:
            self._report(Frame(Kind.SAVED, header=[entry.seq for entry in followed[True]]))
        self.callbacks.put(followed[True])
        self._answer(followed[False])

    def _without_superseded(self, entries: Sequence[Saved]) -> Sequence[Saved]:
        """Pass over the failures of deliveries that another cluster has taken over: they change nothing.

        A late success counts where no success is stored yet, which the save itself sees to. Where leases are a fixed
        timer a task may always outlast it: then each of its failures counts (manual 1.2.9).
        """
        if not self._runtime.conf.renew_leases:
            return entries
        failed = [entry for entry in entries if not entry.result.success and not entry.header.get("fail")]
        held = {entry.seq: receipt for entry in failed if (receipt := entry.header["receipt"])}
        late = self.receipts.superseded(held)
        for entry in failed:
            if entry.seq in late:
                told = (entry.result.package.name, entry.result.package.id)
                logger.warning("Superseded: a failure of [%s] %s, whose delivery is no longer this cluster's", *told)
        if late:
            self._report(Frame(Kind.DONE, header=sorted(late)))
        return [entry for entry in entries if entry.seq not in late] if late else entries

    def _is_followed(self, entry: Saved) -> bool:
        return self.callbacks.concern(entry) and not entry.header.get("skips_hook")

    # Receiving

    def _collect(self) -> list[Saved]:
        """Wait for results, called hooks or the time to prune; return all results that are there, at most a batch."""
        self._is_idle = False
        if not self._data.has_frame:
            sources = [self._data.fileno(), self.callbacks.fileno()]
            ready, _, _ = select.select(sources, [], [], self._pruning.patience)
            self._is_idle = not ready
        entries: list[Saved] = []
        try:
            while len(entries) < BATCH and (frame := self._data.receive(timeout=0)) is not None:
                if frame.kind is Kind.STOP:
                    self._is_told_to_stop = True
                    self.hurry()
                    break
                entries.append(unpack(self._runtime, frame))
        except EOFError:
            self._is_told_to_stop = True
            self.hurry()
        return entries

    # Saving

    def _save(self, entries: Sequence[Saved]) -> list[Saved]:
        """Save a batch; one that is refused is halved until the row that is refused stands alone."""
        results = [entry.result for entry in entries]
        again = {entry.result.package.id for entry in entries if entry.header["unanswered"] > 1}
        try:
            stored = self._until_reached(lambda: self._keeper.save(results, self._submit, again=again), entries)
        except LinkNotSent:
            raise
        except Exception as error:  # whatever a database says to a row that it refuses
            if len(entries) == 1:
                return [self._save_refused(entries[0], error)]
            half = len(entries) // 2
            return [*self._save(entries[:half]), *self._save(entries[half:])]
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
            self._until_reached(lambda: self._keeper.save([refused], self._submit))
        except Exception:  # not even that: the log is the last place
            logger.critical("The failure of [%s] %s could not be saved", package.name, package.id, exc_info=True)
            return replace(entry, result=refused, verdict=Verdict(is_final=False, delay=self._runtime.conf.retry))
        return replace(entry, result=refused, verdict=FINAL)

    def _judged(self, entry: Saved, stored: Stored | None) -> Saved:
        is_settled = entry.header.get("fail") or entry.header.get("final") or not self._broker.supports_receipts
        if is_settled:
            return entry
        judged = verdict(self._runtime.conf, entry.result, stored, time.monotonic() - entry.header["fetched"])
        return entry if judged is entry.verdict else replace(entry, verdict=judged)

    def _submit(self, package: TaskPackage) -> None:
        enqueue(self._runtime, package)
        self._unsent_since = None

    def _until_reached(self, save: Callable[[], T], entries: Sequence[Saved] = ()) -> T:
        """Save, however long the store is away: nothing is acknowledged meanwhile and the cluster stops fetching.

        Raises LinkNotSent at the end of a stop where the results of ``entries`` are saved and only their links are not
        sent: the tasks are delivered again, and their links sent then.
        """
        tries = 0
        while True:
            try:
                saved = save()
            except ResultBackendUnavailable as error:
                if isinstance(error, LinkNotSent) and self._is_left(entries):
                    raise
                if not tries:
                    logger.error("%s cannot save: %s", self._name, error)
                    self._untold.tell(error, None, "monitor")
                    self._report(Frame(Kind.STORE, header=False))
                tries += 1
                recover(tries)
                continue
            if tries:
                logger.info("%s saves again", self._name)
                self._report(Frame(Kind.STORE, header=True))
            return saved

    def _is_left(self, entries: Sequence[Saved]) -> bool:
        """Has a stop waited for long enough, where leases bring back what is saved but for its link?"""
        is_saved = bool(entries) and all(self._keeper.sends_alone(entry.result) for entry in entries)
        if not (is_saved and self._broker.supports_receipts):
            return False
        self._unsent_since = self._unsent_since or time.monotonic()
        return self._answering.is_over(self._unsent_since)

    # Answering

    def _answer(self, entries: Sequence[Saved]) -> None:
        """Answer the broker for saved results, then tell the sentinel that they are done."""
        if not entries:
            return
        self._faults.hit("monitor.before_acknowledge")
        if self._broker.supports_receipts:
            self._answering.answer(entries)
        self._done(entries)

    def _done(self, entries: Sequence[Saved]) -> None:
        self.receipts.forget(entry.seq for entry in entries)
        self._report(Frame(Kind.DONE, header=[entry.seq for entry in entries]))

    def _report(self, frame: Frame) -> None:
        """Tell the sentinel; when it is gone, what is here is saved and answered all the same."""
        with suppress(OSError):
            self._control.send(frame)
