"""``manage.py djq explain``: why a task does not run, or what became of it."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from django.core.management.base import CommandError
from django.core.management.color import Style
from django.utils.translation import gettext as _

from djq_core import current
from djq_core.cluster.status import Running
from djq_core.management.base import language_of
from djq_core.management.numbers import whole
from djq_core.management.subcommands.base import Answer, Subcommand
from djq_core.management.subcommands.writing import style_of, wrapped
from djq_core.monitor.causes import Cause
from djq_core.monitor.explain import explain
from djq_core.monitor.explain_schedules import explain_schedules
from djq_core.monitor.facts import Facts, Outcome, Package
from djq_core.monitor.gathering import DEPTH, gather, gather_schedule
from djq_core.phrases import gettext_noop

#: No more packages are looked at, whatever the command line says.
_DEEPEST: Final = 1_000_000


class Explain(Subcommand):
    """Tell why a task, or a schedule, does not run; the exit code is 1 where somebody has to do something."""

    name: ClassVar[str] = "explain"
    help: ClassVar[str] = gettext_noop("Tell why a task does not run, or what became of it.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what is asked for, and where to look."""
        parser.add_argument("task", nargs="?", metavar="TASK", help=_("The id or the name of a task."))
        parser.add_argument(
            "--schedule", metavar="NAME", help=_("Explain the schedule of this name or number instead.")
        )
        parser.add_argument("--queue", action="append", default=[], metavar="NAME", help=_("Look at this queue too."))
        parser.add_argument(
            "--depth", type=_depth, default=DEPTH, help=_("How many packages of a queue are looked at.")
        )
        parser.add_argument("--json", action="store_true", help=_("Write JSON."))

    def run(self, options: Mapping[str, Any]) -> str:
        """Return the answer; nothing is changed, no argument of a task is read."""
        if bool(options["task"]) == bool(options["schedule"]):
            raise CommandError(_("Name a task, or a schedule with --schedule."), returncode=2)
        with language_of(options):
            facts, causes = _asked(options)
        is_trouble = causes[0].is_trouble
        told = _as_json(facts, causes) if options["json"] else _as_text(facts, causes, style_of(options))
        return Answer(told, exit_code=int(is_trouble))


def _asked(options: Mapping[str, Any]) -> tuple[Facts, list[Cause]]:
    runtime = current.runtime()
    if options["schedule"]:
        facts = gather_schedule(runtime, options["schedule"])
        return facts, explain_schedules(facts)
    facts = gather(runtime, options["task"], queues=options["queue"], depth=options["depth"])
    return facts, explain(facts)


def _depth(text: str) -> int:
    return min(_DEEPEST, max(0, whole(text)))


def _task(facts: Facts) -> dict[str, str] | None:
    runs = [run for _stat, run in facts.running]
    packages = [package for _queue, package in facts.packages]
    outcomes = [facts.outcome] if facts.outcome else []
    known: list[Running | Package | Outcome] = [*runs, *packages, *outcomes]
    return {"id": known[0].id, "name": known[0].name, "func": known[0].func} if known else None


def _as_json(facts: Facts, causes: Sequence[Cause]) -> str:
    first, *others = [cause.as_dict() for cause in causes]
    return json.dumps({"query": facts.query, "task": _task(facts), **first, "also": others}, indent=2)


def _as_text(facts: Facts, causes: Sequence[Cause], style: Style) -> str:
    lines: list[str] = []
    if task := _task(facts):
        lines += [wrapped(f"{task['name']}  {task['func']}"), wrapped(task["id"]), ""]
    for number, cause in enumerate(causes):
        if number:
            lines += ["", _("Also:")]
        lines += _told(cause, style)
    return "\n".join(lines)


def _told(cause: Cause, style: Style) -> Iterator[str]:
    paint = style.ERROR if cause.is_trouble else style.SUCCESS
    yield paint(wrapped(cause.headline))
    for detail in cause.details:
        yield wrapped(detail, "  ")
    if cause.remedy:
        yield ""
        yield wrapped(cause.remedy, "  > ", "    ")
