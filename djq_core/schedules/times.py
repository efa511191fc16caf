"""The times of one schedule: its rule, and its slots as they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from djq_core.conf import Conf
from djq_core.schedules.base import ScheduleType
from djq_core.schedules.due import Rule


@dataclass(frozen=True, slots=True)
class Times:
    """Between a slot, which has a wall time of the rule's zone, and the moment that the column ``next_run`` holds.

    Beside the moment a text is stored: the wall time and its offset, as the rule means them. Without it a wall time
    that the clocks skipped would be forgotten, and one that they repeat could not be told apart without ``USE_TZ``.
    """

    rule: Rule
    use_tz: bool
    site_zone: ZoneInfo

    @classmethod
    def of(
        cls, kind: str, minutes: int | None, cron: str | None, conf: Conf, types: Mapping[str, type[ScheduleType]]
    ) -> Times:
        """Return the times of a schedule with these fields; ``types`` are those that plugins have added."""
        other = types[kind]().next_run if kind in types else None
        rule = Rule(kind, ZoneInfo(conf.time_zone), minutes or 1, cron or "", other)
        return cls(rule, conf.use_tz, ZoneInfo(conf.site_time_zone))

    def read(self, next_run: datetime, text: str) -> datetime:
        """Return the slot of a row; a text that does not belong to ``next_run``, which can change alone, is void."""
        meant = datetime.fromisoformat(text) if text else None
        if meant is None or self.stored(meant) != next_run:
            moment = next_run if next_run.tzinfo else next_run.replace(tzinfo=self.site_zone)
            return moment.astimezone(self.rule.zone)
        slot = meant.astimezone(self.rule.zone)
        is_skipped = slot.replace(tzinfo=None) != meant.replace(tzinfo=None)
        return meant.replace(tzinfo=self.rule.zone) if is_skipped else slot

    def stored(self, slot: datetime) -> datetime:
        """Return the moment of a slot as ``next_run`` holds it: aware, or naive in the site's zone."""
        return slot.astimezone(UTC) if self.use_tz else slot.astimezone(self.site_zone).replace(tzinfo=None)


def moment_of(next_run: datetime, text: str, conf: Conf) -> datetime:
    """Return the moment for which a row is due, without knowing its rule."""
    return Times.of("O", None, None, conf, {}).read(next_run, text).astimezone(UTC)
