"""The append-only file: what a node writes down, and what is there again after a kill."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from plugins.djq_disque.tests.standin import resp
from plugins.djq_disque.tests.standin.jobs import ACKED, Job, now, unpacked
from plugins.djq_disque.tests.standin.store import Store


class AppendOnlyFile:
    """Each record is in the file, as far as a kill of this process goes, when the method returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("ab", buffering=0)

    def put(self, job: Job) -> None:
        """Write down a job."""
        self._file.write(resp.request("LOADJOB", job.packed()))

    def acknowledge(self, job: Job) -> None:
        """Write down that a job is done, which the other nodes may still have to learn."""
        self._file.write(resp.request("ACKJOB", job.id))

    def drop(self, job: Job) -> None:
        """Write down that a job is gone."""
        self._file.write(resp.request("DELJOB", job.id))

    def load(self, store: Store, *, enqueues: bool) -> None:
        """Take in the jobs of the process before: they are active, and queued at once only where that is asked for."""
        for job in self._kept():
            store.add(job)
            if job.state == ACKED:
                continue
            job.was_queued = bool(job.retry)
            left = job.ctime // 1_000_000 + job.delay * 1000 - now()
            if enqueues and left <= 0:
                store.enqueue(job)
            else:
                job.was_queued = left <= 0
                store.postpone(job, left // 1000 + 1 if left > 0 else None)

    def _kept(self) -> list[Job]:
        buffer, jobs = bytearray(self._path.read_bytes()), dict[str, Job]()
        with suppress(resp.ProtocolError):  # the last record may be torn
            for kind, record in resp.requests(buffer):
                if kind == b"DELJOB":
                    jobs.pop(record.decode(), None)
                elif kind == b"ACKJOB":
                    jobs[record.decode()].state = ACKED
                else:
                    job = unpacked(next(resp.requests(bytearray(record))))
                    jobs[job.id] = job
        return [job for job in jobs.values() if job.etime > now()]
