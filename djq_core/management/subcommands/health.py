"""``manage.py djq health``: whether clusters, queues and plugins are well, as a text, as JSON and as an exit code."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from django.utils.translation import gettext as _

from djq_core import current
from djq_core.management.base import language_of
from djq_core.management.numbers import number
from djq_core.management.subcommands.base import Answer, Subcommand
from djq_core.management.subcommands.writing import wrapped
from djq_core.management.terminal.words import clean
from djq_core.monitor.health import LIVE, READY, SECONDS, QueueReport, Report, examine, queue_names
from djq_core.monitor.troubles import Trouble
from djq_core.phrases import gettext_noop

_UNKNOWN: Final = "-"


class HealthOf(Subcommand):
    """Look at every queue and cluster of the site; the exit code is 0 where all is well."""

    name: ClassVar[str] = "health"
    help: ClassVar[str] = gettext_noop("Tell whether clusters, queues and plugins are well; the exit code says it too.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what to look at, and what counts."""
        parser.add_argument("--json", action="store_true", help=_("Write JSON."))
        parser.add_argument("--cluster", action="append", default=[], help=_("A queue to look at; may be repeated."))
        parser.add_argument("--here", action="store_true", help=_("Look at the clusters of this host alone."))
        probes = parser.add_mutually_exclusive_group()
        live, ready = (
            _("Tell only whether a cluster has to be restarted."),
            _("Tell only whether clusters can be counted on now."),
        )
        probes.add_argument("--live", action="store_true", help=live)
        probes.add_argument("--ready", action="store_true", help=ready)
        parser.add_argument("--max-wait", type=_seconds, help=_("The seconds that a task may wait on its queue."))
        parser.add_argument("--timeout", type=_seconds, default=SECONDS, help=_("The seconds that looking may take."))

    def run(self, options: Mapping[str, Any]) -> Answer:
        """Return what was seen, hosts, process ids and texts of errors included; raise ConfigurationError."""
        runtime = current.runtime()
        for name in () if runtime.conf.sync else options["cluster"] or queue_names(runtime):
            runtime.broker(name)  # connects to nothing; that its keys are wrong is no outage
        with language_of(options):
            report = examine(
                runtime,
                options["cluster"],
                here=options["here"],
                max_wait=options["max_wait"],
                seconds=options["timeout"],
            )
        if options["live"] or options["ready"]:
            report = report.only(LIVE if options["live"] else READY)
        text = json.dumps(report.as_dict(detail=True), indent=2) if options["json"] else as_text(report)
        return Answer(text, exit_code=report.exitcode)


def _seconds(text: str) -> float:
    seconds = number(text)
    if not 0 < seconds < 1e9:  # NaN is neither
        raise ArgumentTypeError(_("%(text)s is not a number of seconds above 0") % {"text": text})
    return seconds


def as_text(report: Report) -> str:
    head = _("Healthy.") if report.is_healthy else _("Not healthy.")
    table = _table([*_header(), *map(_row, report.queues)])
    plugins = [
        f"{each.name}: {each.message or (_('well') if each.is_healthy else _('not well'))}" for each in report.plugins
    ]
    troubles = [line for each in report.troubles for line in _told(each)]
    return "\n".join([head, *map(clean, [*table, *plugins]), *troubles])


def _header() -> list[tuple[str, ...]]:
    return [(_("QUEUE"), _("CLUSTERS"), _("WORKERS"), _("RUNNING"), _("QUEUED"), _("HELD"), _("OLDEST"))]


def _row(queue: QueueReport) -> tuple[str, ...]:
    state, clusters = queue.state, queue.clusters
    counts = [len(clusters), sum(len(stat.workers) for stat in clusters), sum(len(stat.running) for stat in clusters)]
    told = [str(count) if queue.knows_clusters else _UNKNOWN for count in counts]
    sizes = [_UNKNOWN if size is None else str(size) for size in (state.queued, state.held)]
    oldest = _UNKNOWN if state.oldest is None else _("%(seconds).1f s") % {"seconds": state.oldest}
    return (queue.name, *told, *sizes, oldest)


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _told(trouble: Trouble) -> Iterator[str]:
    place = f" ({trouble.cluster})" if trouble.cluster else ""
    yield ""
    yield wrapped(f"{trouble.message}{place}")
    if trouble.detail:
        yield wrapped(trouble.detail, "  ")
    yield wrapped(trouble.remedy, "  > ", "    ")
