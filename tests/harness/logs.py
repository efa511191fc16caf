"""The log of a cluster, read as it grows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

WORKER = "ready for work"
MONITOR = "monitoring"
PUSHER = "pushing tasks"
SCHEDULER = "scheduling"
SENTINEL = "guarding cluster"
ROLES = (WORKER, MONITOR, PUSHER, SCHEDULER, SENTINEL)

_ANNOUNCED = re.compile(rf"^\d\d:\d\d:\d\d \[Q\] INFO (Process-[\d:]+) ({'|'.join(ROLES)}) at (\d+)$")


@dataclass(frozen=True, slots=True)
class Announced:
    """A process that said what it does: ``Process-1:3 ready for work at 4711``."""

    name: str
    role: str
    pid: int


class Log:
    """The lines of a log file and the processes announced in it; each look takes in only what is new."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self._lines: list[str] = []
        self._announced: list[Announced] = []

    def text(self) -> str:
        """Return everything that was logged so far."""
        return "\n".join(self.lines())

    def lines(self, pattern: str = "") -> list[str]:
        """Return the lines in which the pattern is found."""
        self._read()
        return [line for line in self._lines if re.search(pattern, line)] if pattern else list(self._lines)

    def deaths(self, reason: str = "SIGKILL") -> list[str]:
        """Return the lines that tell of the death of a process, one for each."""
        return self.lines(rf"\(pid \d+\) ended .*{reason}\)?(,|$)")

    def tail(self, count: int = 40) -> str:
        """Return the last lines."""
        return "\n".join(self.lines()[-count:])

    def announced(self) -> list[Announced]:
        """Return every process that ever announced itself, in that order."""
        self._read()
        return list(self._announced)

    def _read(self) -> None:
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            self._lines.append(line)
            if match := _ANNOUNCED.match(line):
                self._announced.append(Announced(match[1], match[2], int(match[3])))
