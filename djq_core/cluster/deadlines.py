"""When a running task has had its time, and what is done about it: three steps, by the sentinel's clock."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import IntEnum, unique
from typing import Final

#: What raises the time-out into a task. SIGALRM is left to the site, whose libraries take it for their own time-outs;
#: SIGURG is ignored by default, and who takes it must bear it at any time. Windows, where no cluster runs, has neither.
TIME_IS_UP: Final[int] = getattr(signal, "SIGURG", 0)
#: Seconds between SIGTERM and SIGKILL.
KILL_AFTER = 0.5


@unique
class Step(IntEnum):
    """What is done next to a task that runs too long."""

    RAISE = 1
    TERMINATE = 2
    KILL = 3


@dataclass(slots=True)
class Deadline:
    """The deadline of one running task: ``at`` is when the next step is due, in seconds of the monotonic clock."""

    ticket: int
    at: float
    grace: float
    step: Step = Step.RAISE
    is_exhausted: bool = False

    def due(self, now: float) -> Step | None:
        """Return the step that is due now, once, and set the time of the next; None when there is none."""
        if self.is_exhausted or now < self.at:
            return None
        step = self.step
        if step is Step.KILL:
            self.is_exhausted = True
        else:
            self.at = now + (self.grace if step is Step.RAISE else KILL_AFTER)
            self.step = Step(step + 1)
        return step
