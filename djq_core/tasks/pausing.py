"""Pausing a schedule, and letting it run again (manual 1.11.3)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db import router

from djq_core.models import Schedule


def pause(schedule: Schedule) -> bool:
    """Set ``repeats`` to 0, so that the schedule does not run; return whether it was not so already."""
    return bool(_rows(schedule).exclude(repeats=0).update(repeats=0))


def resume(schedule: Schedule, repeats: int = -1) -> bool:
    """Let a paused schedule run as often as ``repeats`` says (-1: for ever); return whether it was paused.

    It goes on with the next time of its rule: what it missed while it was paused is not made up for. One that has no
    further time, such as one of the type ONCE, runs at once. Raises ValueError for 0 repeats and for a rule that cannot
    be read.
    """
    if not repeats:
        raise ValueError("A schedule with 0 repeats stays paused; -1 lets it run for ever.")
    return bool(_rows(schedule).filter(repeats=0).update(repeats=repeats, **_next_run(schedule)))


def _rows(schedule: Schedule) -> Any:
    return Schedule.objects.using(router.db_for_write(Schedule)).filter(pk=schedule.pk)


def _next_run(schedule: Schedule) -> dict[str, Any]:
    now, times = datetime.now(UTC), schedule.times()
    if schedule.next_run is None:
        following = times.rule.after(now.astimezone(times.rule.zone)) or now
        return {"next_run": times.stored(following), "slot": following.isoformat()}
    slot = times.read(schedule.next_run, schedule.slot)
    if slot.astimezone(UTC) > now:
        return {}
    next_slot = times.rule.after(times.rule.latest(slot, now))
    return {"next_run": times.stored(next_slot), "slot": next_slot.isoformat()} if next_slot else {}
