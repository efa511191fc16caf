"""Fault points: exact moments at which a test makes a process die, or its whole group.

Inactive unless ``DJQ_FAULT`` names points (``monitor.before_save:kill,monitor.before_link:killpg``) and
``DJQ_FAULT_BUDGET`` names a folder; each fault uses up one file of that folder and none happens without one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from djq_core.exceptions import ConfigurationError


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_group() -> None:
    os.killpg(os.getpgrp(), signal.SIGKILL)


WAYS: Mapping[str, Callable[[], None]] = {"kill": _kill, "killpg": _kill_group}


@dataclass(frozen=True, slots=True)
class Faults:
    """The active fault points of a process, each with the way to die there, and the folder of their budget."""

    points: Mapping[str, str] = field(default_factory=dict)
    budget: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Return the faults of ``point:way,point:way@folder``; raise ConfigurationError without way or folder."""
        if not text:
            return cls()
        points, _, folder = text.partition("@")
        if not folder or not Path(folder).is_dir():
            raise ConfigurationError(
                "DJQ_FAULT kills processes for tests: set DJQ_FAULT_BUDGET to a folder, or unset both."
            )
        ways = {point: way for point, _, way in (each.strip().partition(":") for each in points.split(","))}
        if unknown := sorted(point for point, way in ways.items() if way not in WAYS):
            raise ConfigurationError(f"DJQ_FAULT: say how {unknown[0]!r} dies, as in '{unknown[0]}:kill' or ':killpg'.")
        return cls(ways, Path(folder))

    def hit(self, point: str) -> None:
        """Die here if a test asked for it and its budget is not used up."""
        if point in self.points and self._spend():
            WAYS[self.points[point]]()

    def _spend(self) -> bool:
        for name in os.listdir(self.budget):
            try:
                Path(self.budget or "", name).unlink()
            except FileNotFoundError:
                continue
            return True
        return False
