"""Fault points: exact moments at which a test makes a process die.

Inactive unless ``DJQ_FAULT`` names points (``monitor.before_save:kill,worker.after_execute:kill``) and
``DJQ_FAULT_BUDGET`` names a folder; each fault uses up one file of that folder and none happens without one.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

from djq_core.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True)
class Faults:
    """The active fault points of a process and the folder of their budget."""

    points: frozenset[str] = field(default_factory=frozenset)
    budget: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Faults:
        """Return the faults of ``point:kill,point:kill@folder``; raise ConfigurationError without a folder."""
        if not text:
            return cls()
        points, _, folder = text.partition("@")
        if not folder or not Path(folder).is_dir():
            raise ConfigurationError(
                "DJQ_FAULT kills processes for tests: set DJQ_FAULT_BUDGET to a folder, or unset both."
            )
        return cls(frozenset(point.removesuffix(":kill").strip() for point in points.split(",")), Path(folder))

    def hit(self, point: str) -> None:
        """Die here if a test asked for it and its budget is not used up."""
        if point in self.points and self._spend():
            os.kill(os.getpid(), signal.SIGKILL)

    def _spend(self) -> bool:
        for name in os.listdir(self.budget):
            try:
                Path(self.budget or "", name).unlink()
            except FileNotFoundError:
                continue
            return True
        return False
