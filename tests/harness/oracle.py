"""The oracle: a file that every task appends to, outside broker and database."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PUT = "put"
START = "start"
END = "end"
HOOK = "hook"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what happened to which task, in which process, and when by the clock that all processes share."""

    label: str
    pid: int
    kind: str
    at: float


def note(path: Path | str, label: str, kind: str, at: float | None = None) -> None:
    """Append one line in one write, so that neither a kill nor another process can tear it."""
    moment = time.monotonic() if at is None else at
    line = f"{label} {os.getpid()} {kind} {moment:.6f}\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


class Oracle:
    """Read the file; each look takes in only what is new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._entries: list[Entry] = []

    def entries(self, *kinds: str) -> list[Entry]:
        """Return all lines so far, or those of some kinds, in the order in which they were written."""
        self._read()
        return [entry for entry in self._entries if not kinds or entry.kind in kinds]

    def of(self, label: str) -> list[str]:
        """Return what happened to one task since it was enqueued."""
        return [entry.kind for entry in self.entries(START, END, HOOK) if entry.label == label]

    def at(self, label: str, kind: str) -> float:
        """Return when something happened to a task for the first time."""
        return next(entry.at for entry in self.entries(kind) if entry.label == label)

    def count(self, kind: str) -> Counter[str]:
        """Return how often something happened to each task."""
        return Counter(entry.label for entry in self.entries(kind))

    def total(self, kind: str) -> int:
        """Return how often something happened at all."""
        return len(self.entries(kind))

    def running(self) -> dict[int, str]:
        """Return the task that each process has started and not finished."""
        running: dict[int, str] = {}
        for entry in self.entries(START, END):
            if entry.kind == START:
                running[entry.pid] = entry.label
            else:
                running.pop(entry.pid, None)
        return running

    def pids(self, labels: Iterable[str] | None = None) -> list[int]:
        """Return the processes in which tasks were started, in that order."""
        wanted = None if labels is None else set(labels)
        return [entry.pid for entry in self.entries(START) if wanted is None or entry.label in wanted]

    def _read(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        self._entries.extend(_parse(line) for line in whole.decode().splitlines())


def _parse(line: str) -> Entry:
    label, pid, kind, at = line.split(" ")
    return Entry(label, int(pid), kind, float(at))
