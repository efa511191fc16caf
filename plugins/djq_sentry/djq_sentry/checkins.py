"""Check-ins of schedules: Sentry's Crons tells when a run fails, takes too long, or does not come."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from django.utils.text import slugify
from sentry_sdk.crons import MonitorStatus, capture_checkin

from djq_core.envelope.package import ORIGIN

IN_PROGRESS: Final = MonitorStatus.IN_PROGRESS
OK: Final = MonitorStatus.OK
ERROR: Final = MonitorStatus.ERROR
#: Sentry takes no longer slug.
LONGEST: Final = 50
_INTERVALS: Final = {
    "I": (1, "minute"),
    "H": (1, "hour"),
    "D": (1, "day"),
    "W": (1, "week"),
    "M": (1, "month"),
    "Q": (3, "month"),
    "Y": (1, "year"),
}
_ONCE: Final = "O"
_CRON: Final = "C"
#: Five fields of what every cron knows; Sentry drops the check-in of a monitor whose rule it cannot read.
_FIVE_FIELDS: Final = re.compile(r"[\w*/,-]+(\s+[\w*/,-]+){4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """Which schedules check in (True: all), the zone of their times, and the cluster's time-out in seconds."""

    schedules: bool | frozenset[str]
    time_zone: str
    timeout: float | None = None

    def covers(self, name: str) -> bool:
        """Return whether a schedule of this name checks in."""
        return self.schedules if isinstance(self.schedules, bool) else name in self.schedules


def check_in(task: Mapping[str, Any], status: str, settings: Settings, seconds: float | None = None) -> None:
    """Tell Sentry how a run of a schedule is getting on; nothing for a task that no schedule has sent, or only once."""
    origin = _origin_of(task)
    if origin is None or origin.get("type") == _ONCE or not settings.covers(str(origin.get("name") or "")):
        return
    capture_checkin(
        monitor_slug=slug_of(origin),
        check_in_id=_id_of(task),
        status=status,
        duration=seconds,
        monitor_config=_config_of(origin, task, settings),
    )


def slug_of(origin: Mapping[str, Any]) -> str:
    """Return the slug of a schedule's monitor, from its name: small letters, digits, dashes; not digits alone."""
    slug = slugify(str(origin.get("name") or ""))
    if not slug or slug.isdecimal():
        slug = f"schedule-{slug or origin['id']}"
    if len(slug) <= LONGEST:
        return slug
    return f"{slug[: LONGEST - 9]}-{sha256(slug.encode()).hexdigest()[:8]}"


def _origin_of(task: Mapping[str, Any]) -> Mapping[str, Any] | None:
    text = (task.get("headers") or {}).get(ORIGIN)
    return json.loads(text) if text else None


def _id_of(task: Mapping[str, Any]) -> str:
    """Return the id of an attempt's check-in, the same in every process that knows how it ended."""
    return sha256(f"{task['id']}:{task.get('attempt', 1)}".encode()).hexdigest()[:32]


def _config_of(origin: Mapping[str, Any], task: Mapping[str, Any], settings: Settings) -> Any:
    """Return what Sentry makes the monitor of; None leaves it to one that was made by hand."""
    rule = _rule_of(origin)
    if rule is None:
        return None
    timeout = task.get("timeout") or settings.timeout
    longest = {"max_runtime": math.ceil(timeout / 60) + 1} if timeout else {}
    return {"schedule": rule, "timezone": settings.time_zone, **longest}


def _rule_of(origin: Mapping[str, Any]) -> Any:
    kind = origin.get("type")
    if kind == _CRON:
        cron = str(origin.get("cron")).strip()
        return {"type": "crontab", "value": cron} if _FIVE_FIELDS.fullmatch(cron) else None
    if kind not in _INTERVALS:
        return None
    value, unit = _INTERVALS[kind]
    return {"type": "interval", "value": origin.get("minutes") or 1 if kind == "I" else value, "unit": unit}
