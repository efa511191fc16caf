"""The monitor: saves results, calls hooks and answers the broker, in that order (manual 1.14.5)."""

from __future__ import annotations

import logging
import os
import select
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from djq_core.brokers import Broker
from djq_core.cluster.answering import Answering
from djq_core.cluster.aside import Aside
from djq_core.cluster.callbacks import BATCH, Callbacks, Saved
from djq_core.cluster.channels import Channel, Frame, Kind
from djq_core.cluster.faults import Faults
from djq_core.cluster.fencing import Receipts
from djq_core.cluster.keeper import Keeper
from djq_core.cluster.pruning import Pruning
from djq_core.cluster.saving import Saving, is_cached
from djq_core.cluster.unpacking import unpack
from djq_core.cluster.untold import Teller, Untold
from djq_core.exceptions import ResultBackendUnavailable

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

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
        #: What is to be cached, while the cache is away.
        self._aside = Aside()
        self._saving = Saving(name, runtime, self._keeper, self._answering, self._untold, self._report)

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
        while not (self._is_told_to_stop and self.callbacks.is_idle and not self._aside):
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
            self._begin(batch)
        self._go_on()
        self._answer([entry for entry in entries if entry.header.get("skip")])
        self._answer(self.callbacks.take_called())
        if len(entries) < BATCH or self._pruning.is_crowded:
            self._pruning.look(is_idle=self._is_idle)

    def _batches(self, entries: Sequence[Saved]) -> list[list[Saved]]:
        """Return what is saved together: database and cache apart, and alone whose link is not sent with the save.

        Whoever kills this process between the two then repeats one link, and not those of a batch.
        """
        together: dict[bool, list[Saved]] = {False: [], True: []}
        alone: list[list[Saved]] = []
        for entry in entries:
            if self._keeper.sends_alone(entry.result):
                alone.append([entry])
            else:
                together[is_cached(entry)].append(entry)
        return [batch for batch in (*together.values(), *alone) if batch]

    def _begin(self, batch: Sequence[Saved]) -> None:
        """Settle a batch; while the cache is away, what is to be cached waits without being tried."""
        if self._aside and is_cached(batch[0]):
            self._aside.put(batch)
        elif left := self._settle(batch):
            self._aside.put(left)

    def _go_on(self) -> None:
        """Settle what waits, as far as its store is there again."""
        while batch := self._aside.first():
            if left := self._settle(batch):
                self._aside.put_off(left)
                continue
            self._aside.drop()
            if not self._aside:
                self._saving.tell_back()

    def _settle(self, entries: Sequence[Saved]) -> Sequence[Saved]:
        """Save a batch and see to what follows; return it where it has to wait for its store."""
        self._faults.hit("monitor.before_save")
        if not (entries := self._without_superseded(entries)):
            return []
        try:
            saved = self._saving.save(entries)
        except ResultBackendUnavailable as error:
            if not self._saving.is_left(entries, error):
                if not self._aside:
                    self._saving.tell_away(error)
                return entries
            self._answering.leave(entries)
            self._done(entries)
            return []
        self._faults.hit("monitor.after_save")
        self._follow(saved)
        return []

    def _follow(self, saved: Sequence[Saved]) -> None:
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
            patience = self._aside.patience if self._aside else self._pruning.patience
            ready, _, _ = select.select(sources, [], [], patience)
            self._is_idle = not ready and not self._aside
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
