"""Each due slot exactly once: its row is locked, its task sent and the row moved on in one transaction.

Where the queue is in the same database all of that is committed together. Elsewhere the task is sent just before the
commit: a kill between the two repeats it under the same id, and one whose result is stored already is not sent again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import Error, connections, router, transaction
from django.db.models import Q, QuerySet

from djq_core.brokers import Broker
from djq_core.cluster.faults import Faults
from djq_core.cluster.runs import Run, Runs
from djq_core.enqueue.send import ask, seal
from djq_core.envelope import TaskPackage
from djq_core.exceptions import BrokerError
from djq_core.models import Schedule, Task

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

#: So many rows, and packages, go into one transaction.
PART: Final = 500
_CHANGED: Final = ("repeats", "next_run", "slot", "task", "is_running", "holder", "seen")
_Sent = tuple[TaskPackage, dict[str, Any], str]


class Slots:
    """The slots of the schedules that this cluster may run."""

    def __init__(self, name: str, runtime: Runtime) -> None:
        self._name = name
        self._runtime = runtime
        self._faults = Faults.parse(runtime.conf.faults)
        self.alias = router.db_for_write(Schedule)

    def mine(self) -> QuerySet[Schedule]:
        """Return the schedules that are not paused, of this cluster or of any."""
        own = Q(cluster__isnull=True) | Q(cluster="") | Q(cluster=self._runtime.conf.name)
        return self._rows.filter(own, ~Q(repeats=0), next_run__isnull=False)

    @property
    def _rows(self) -> QuerySet[Schedule]:
        return Schedule.objects.using(self.alias)

    def run(self, pks: Sequence[int], now: datetime) -> dict[int, datetime]:
        """Run what is due of these rows, and return when those that are still to be looked at are due.

        What another cluster has locked is that cluster's. Raises BrokerError or the database's error, and then
        nothing has happened; but what a broker without transactions may have taken.
        """
        runs = Runs(self._runtime, now)
        with transaction.atomic(using=self.alias):
            rows = [row for row in self._locked(pks) if runs.moment(row) <= now]
            planned, left = self._planned(runs, rows)
            sent = self._send(planned)
            self._store(planned)
            self._faults.hit("scheduler.before_commit")
        self._faults.hit("scheduler.after_commit")
        self._tell(planned, sent)
        moved = [run.row for run in planned if run.row.repeats and not run.is_over]
        return {row.pk: runs.moment(row) for row in moved} | dict.fromkeys(left, now)

    def _locked(self, pks: Sequence[int]) -> list[Schedule]:
        """Return these rows, locked until the end of the transaction; without those that another cluster has locked."""
        features = connections[self.alias].features
        rows = self.mine().filter(pk__in=pks).order_by("next_run", "pk")
        if features.has_select_for_update:
            return list(rows.select_for_update(skip_locked=features.has_select_for_update_skip_locked))
        self._rows.filter(pk=-1).update(repeats=0)  # no row, but SQLite's write lock is taken before the rows are read
        return list(rows)

    def _planned(self, runs: Runs, rows: Sequence[Schedule]) -> tuple[list[Run], list[int]]:
        """Return what one call to one broker can do at once, and the rows that are left for other calls."""
        most = self._most
        share = max(1, most // max(1, len(rows)))
        planned: list[Run] = []
        left: list[int] = []
        clusters: set[str | None] = set()
        for row in rows:
            run = runs.plan(row, share) if most > 0 else None
            if run is None or len(clusters | run.clusters) > 1:
                left.append(row.pk)
                continue
            planned.append(run)
            clusters |= run.clusters
            most -= len(run.packages)
        return planned, left

    @property
    def _most(self) -> int:
        broker = self._runtime.shared_broker()
        if self._is_shared(broker):
            return PART
        return min(PART, broker.max_bulk or PART) if broker.supports_bulk else 1

    def _is_shared(self, broker: Broker) -> bool:
        return broker.database == self.alias

    # Sending

    def _send(self, planned: Iterable[Run]) -> list[_Sent]:
        packages = [package for run in planned for package in run.packages]
        if not packages:
            return []
        broker = self._runtime.shared_broker(packages[0].cluster)
        known = set() if self._is_shared(broker) else self._known(packages)
        sealed = [one for package in packages if package.id not in known and (one := self._sealed(package, broker))]
        receipts = broker.enqueue_many([text for _, _, text in sealed]) if sealed else []
        return [(package, task, str(receipt)) for (package, task, _), receipt in zip(sealed, receipts, strict=True)]

    def _known(self, packages: Sequence[TaskPackage]) -> set[str]:
        """Return the ids that have a result: they were sent by a cluster that was killed before it could note it."""
        stored = Task.objects.using(router.db_for_write(Task)).filter(pk__in=[package.id for package in packages])
        return set(stored.values_list("pk", flat=True))

    def _sealed(self, package: TaskPackage, broker: Broker) -> _Sent | None:
        """Return the package as it is sent; None where it is refused, which is reported and stops no other schedule."""
        hooks = self._runtime.hooks
        try:
            # a veto undoes what its plugin wrote, not the rest
            with transaction.atomic(using=self.alias) if hooks.wants_enqueue else nullcontext():
                task, asked = ask(self._runtime, package)
                return asked, task, seal(self._runtime, asked, broker)
        except (BrokerError, Error):  # nothing can be sent now: the slot stays
            raise
        except Exception:
            logger.exception("%s skips this slot of schedule [%s]", self._name, package.group)
            self._runtime.reporters.report(None, package.as_dict(), "scheduler")
            return None

    # What becomes of the rows

    def _store(self, planned: Iterable[Run]) -> None:
        over = [run.row.pk for run in planned if run.is_over]
        moved = [run.row for run in planned if not run.is_over]
        if over:
            self._rows.filter(pk__in=over).delete()
        if not moved:
            return
        features = connections[self.alias].features
        if not features.supports_update_conflicts:
            self._rows.bulk_update(moved, _CHANGED)
            return
        # an upsert of rows that are there: one plain statement, where bulk_update builds a CASE for each value
        target = ["id"] if features.supports_update_conflicts_with_target else None
        self._rows.bulk_create(moved, update_conflicts=True, update_fields=_CHANGED, unique_fields=target)

    def _tell(self, planned: Iterable[Run], sent: Iterable[_Sent]) -> None:
        for run in planned:
            if run.error:
                logger.error("Schedule %s [%s] cannot be run and is paused", run.row.pk, run.row, exc_info=run.error)
                self._runtime.reporters.report((type(run.error), run.error, run.error.__traceback__), None, "scheduler")
        for package, task, receipt in sent:
            logger.info("%s created [%s] from schedule [%s]", self._name, package.name, package.group)
            self._runtime.hooks.post_enqueue(task, receipt)
