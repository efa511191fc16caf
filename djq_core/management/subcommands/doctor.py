"""``manage.py djq doctor``: what is wrong with what djq lives on, and the remedy."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar, Final

from django.core.management.color import Style
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from djq_core import current
from djq_core.brokers.finding import ERROR, OK, WARNING
from djq_core.checks import check_configuration, check_deployment
from djq_core.management.base import language_of
from djq_core.management.subcommands.base import Answer, Subcommand
from djq_core.management.subcommands.writing import style_of, wrapped
from djq_core.monitor.doctor import AREAS, Examined, examine
from djq_core.phrases import gettext_noop

_LEVELS: Final = (OK, WARNING, ERROR)


class Doctor(Subcommand):
    """Look at everything; the exit code is 1 where something is wrong."""

    name: ClassVar[str] = "doctor"
    help: ClassVar[str] = gettext_noop(
        "Look for what is wrong with configuration, broker, database, cache, clusters and schedules."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("--json", action="store_true", help=_("Write JSON."))
        parser.add_argument("--quiet", action="store_true", help=_("Leave out what is as it should be."))
        parser.add_argument(
            "--fail-level",
            choices=(WARNING, ERROR),
            default=ERROR,
            help=_("The level from which on the exit code is 1; error unless given."),
        )

    def run(self, options: Mapping[str, Any]) -> str:
        """Return what was found; no value that could be secret is in it."""
        config = current.app_config()
        with language_of(options):
            found = list(examine(config, [*check_configuration(), *check_deployment()]))
        worst = max((_LEVELS.index(each.finding.level) for each in found), default=0)
        shown = [each for each in found if not (options["quiet"] and each.finding.level == OK)]
        told = _as_json(found, shown) if options["json"] else _as_text(found, shown, style_of(options))
        return Answer(told, exit_code=int(worst >= _LEVELS.index(options["fail_level"])))


def _as_json(found: Sequence[Examined], shown: Sequence[Examined]) -> str:
    counts = {level: sum(each.finding.level == level for each in found) for level in _LEVELS}
    return json.dumps({"counts": counts, "findings": [each.as_dict() for each in shown]}, indent=2)


def _as_text(found: Sequence[Examined], shown: Sequence[Examined], style: Style) -> str:
    lines: list[str] = []
    for area, findings in groupby(shown, key=lambda each: each.area):
        lines += [style.MIGRATE_HEADING(str(AREAS[area]))]
        lines += [line for each in findings for line in _told(each, style)]
        lines += [""]
    return "\n".join([*lines, _summary(found)])


def _told(each: Examined, style: Style) -> Iterator[str]:
    finding = each.finding
    words = {OK: _("ok"), WARNING: _("warning"), ERROR: _("ERROR")}
    paints = {OK: style.SUCCESS, WARNING: style.WARNING, ERROR: style.ERROR}
    column = max(map(len, words.values())) + 4
    mark = f"  {words[finding.level]}".ljust(column)
    code = "" if finding.level == OK else f" ({finding.code})"
    first, *rest = wrapped(f"{finding.message}{code}", mark, " " * column).split("\n")
    yield paints[finding.level](first[: len(mark)]) + first[len(mark) :]
    yield from rest
    if finding.remedy:
        yield wrapped(finding.remedy, f"{' ' * column}> ", f"{' ' * column}  ")


def _summary(found: Sequence[Examined]) -> str:
    errors, warnings = (sum(each.finding.level == level for each in found) for level in (ERROR, WARNING))
    if not (errors or warnings):
        return pgettext("djq doctor", "All is well.")
    told = [
        ngettext("%(count)s error", "%(count)s errors", errors) % {"count": errors},
        ngettext("%(count)s warning", "%(count)s warnings", warnings) % {"count": warnings},
    ]
    return f"{', '.join(told)}."
