"""Bring the rows of schedules that stand in code in line with the code, when a scheduler starts."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import router, transaction
from django.db.models import QuerySet

from djq_core.models import Schedule
from djq_core.schedules.declared import Declaration, declared_in
from djq_core.schedules.times import Times

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

_TIMING = ("schedule_type", "minutes", "cron")


def reconcile(runtime: Runtime, now: datetime) -> None:
    """Add, change and delete rows so that each declaration in a module ``tasks`` of an installed app has one.

    A row that is there keeps ``next_run`` and ``repeats``, so one that was paused stays paused; a new rule counts from
    now. A row is deleted when its module no longer declares it. A declaration whose type is not there is
    reported and changes nothing.
    """
    modules = list(_task_modules(runtime))
    if not modules:
        return
    alias = router.db_for_write(Schedule)
    rows = Schedule.objects.using(alias)
    wanted = [declaration for module in modules for declaration in declared_in(module)]
    with transaction.atomic(using=alias):
        _add(runtime, rows, wanted, now)
        _change(runtime, rows, wanted, now)
        _remove(rows, modules, wanted)


def _task_modules(runtime: Runtime) -> Iterator[ModuleType]:
    for config in apps.get_app_configs():
        name = f"{config.name}.tasks"
        if config.name == "djq_core" or find_spec(name) is None:
            continue
        try:
            yield import_module(name)
        except Exception as error:  # the site's own code: its schedules stay as they are
            logger.exception("%s cannot be imported; the schedules that it declares stay as they are", name)
            runtime.reporters.report((type(error), error, error.__traceback__), None, "scheduler")


def _add(runtime: Runtime, rows: QuerySet[Schedule], wanted: Sequence[Declaration], now: datetime) -> None:
    known = set(rows.filter(declared__isnull=False).values_list("declared", flat=True))
    new = [_with_first_run(runtime, each, now) for each in wanted if each.key not in known]
    rows.bulk_create(filter(None, new), ignore_conflicts=True)  # another cluster may start at the same moment


def _with_first_run(runtime: Runtime, declaration: Declaration, now: datetime) -> Schedule | None:
    """Return a new row; None where its type is not there, or fails, which is reported."""
    row = Schedule(**declaration.fields, declared=declaration.key)
    try:
        times = _times(runtime, row)
        first = times.rule.after(now.astimezone(times.rule.zone)) or now
    except Exception as error:  # a plugin's code, too
        logger.exception("The schedule %s that stands in code cannot be run", declaration.key)
        runtime.reporters.report((type(error), error, error.__traceback__), None, "scheduler")
        return None
    row.next_run, row.slot = times.stored(first), first.isoformat()
    return row


def _change(runtime: Runtime, rows: QuerySet[Schedule], wanted: Sequence[Declaration], now: datetime) -> None:
    by_key = {each.key: each for each in wanted}
    for row in rows.filter(declared__in=list(by_key)):
        declaration = by_key[row.declared or ""]
        changes = {name: value for name, value in declaration.fields.items() if getattr(row, name) != value}
        changes.pop("repeats", None)
        if any(name in changes for name in _TIMING):
            if (anew := _with_first_run(runtime, declaration, now)) is None:
                continue
            changes |= {"next_run": anew.next_run, "slot": anew.slot}
        if changes:
            rows.filter(pk=row.pk).update(**changes)


def _remove(rows: QuerySet[Schedule], modules: Sequence[ModuleType], wanted: Sequence[Declaration]) -> None:
    kept = {each.key for each in wanted}
    for module in modules:
        gone = rows.filter(declared__startswith=f"{module.__name__}.").exclude(declared__in=kept)
        for row in gone:
            logger.info("The schedule [%s] is no longer declared in %s and is deleted", row, module.__name__)
            row.delete()


def _times(runtime: Runtime, row: Schedule) -> Times:
    types: Any = runtime.registry.schedule_types
    return Times.of(row.schedule_type, row.minutes, row.cron, runtime.conf, types)
