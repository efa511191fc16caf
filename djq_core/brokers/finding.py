"""What was found when something was looked at, for an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OK: Final = "ok"
WARNING: Final = "warning"
ERROR: Final = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    ``level`` is ``ok``, ``warning`` (it works, and may not always) or ``error`` (it does not work, or loses work);
    ``code`` is its name for programs, such as ``redis-eviction``; ``message`` is what is so and ``remedy`` what to do,
    empty where there is nothing to do, both in the language of their reader.
    """

    code: str
    message: str
    level: str = OK
    remedy: str = ""
