"""What a cluster is doing at this moment, as its sentinel sees it (manual 1.10.3)."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from djq_core import __version__
from djq_core.conf import Conf

if TYPE_CHECKING:
    from djq_core.cluster.children import Child, WorkerChild
    from djq_core.cluster.traffic import Traffic


class Snapshot:
    """What is true of the cluster now, as a dictionary that travels."""

    def __init__(self, conf: Conf, cluster_id: int, sentinel: int) -> None:
        self._fixed = {
            "cluster_id": cluster_id,
            "host": socket.gethostname(),
            "name": conf.name,
            "tob": datetime.now(UTC).isoformat(),
            "sentinel": sentinel,
            "queue_limit": conf.queue_limit,
            "version": __version__,
        }
        self.reincarnations = 0
        self.is_running = False
        self.is_stopping = False
        self.has_stopped = False

    def take(self, traffic: Traffic, workers: Iterable[WorkerChild], helpers: Mapping[str, Child]) -> dict[str, Any]:
        """Return the statistics of this moment."""
        workers = list(workers)
        pids = {role: helper.pid for role, helper in helpers.items()}
        now, tally = time.time(), traffic.tally
        return {
            **self._fixed,
            "reincarnations": self.reincarnations,
            "status": self._status(traffic),
            "task_q_size": traffic.unstarted(workers),
            "done_q_size": len(traffic.table.finished),
            "pusher": pids.get("pusher"),
            "monitor": pids.get("monitor"),
            "scheduler": pids.get("scheduler"),
            "workers": [worker.pid for worker in workers],
            "running": [run for worker in workers if (run := _run_of(worker, traffic, now))],
            "processed": tally.processed,
            "failed": tally.failed,
            "waits": list(tally.waits),
            "runs": list(tally.runs),
            "waited": round(tally.waited, 3),
            "ran": round(tally.ran, 3),
            "lease_age": traffic.lease_age(time.monotonic()),
            "timestamp": now,
        }

    def _status(self, traffic: Traffic) -> str:
        if self.has_stopped:
            return Conf.STOPPED
        if self.is_stopping:
            return Conf.STOPPING
        if not self.is_running:
            return Conf.STARTING
        return Conf.IDLE if traffic.table.is_empty else Conf.WORKING


def _run_of(worker: WorkerChild, traffic: Traffic, now: float) -> dict[str, Any] | None:
    held = traffic.table.running(worker.key, worker.running) if worker.running else None
    if held is None:
        return None
    return {
        "worker": worker.pid,
        "id": held.header["id"],
        "name": held.header["name"],
        "func": held.func,
        "since": now - (time.monotonic() - worker.since),
        "attempt": held.header["attempt"],
    }
