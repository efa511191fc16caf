"""``manage.py qinfo``: a summary of all clusters, their configuration or their ids (manual 1.10.2)."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from djq_core import current
from djq_core.management.terminal.command import TerminalCommand
from djq_core.management.terminal.words import clean
from djq_core.monitor.clusters import Lookout
from djq_core.monitor.configuration import configuration
from djq_core.monitor.summary import Summary, summarize
from djq_core.phrases import gettext_noop


class Command(TerminalCommand):
    """Sum up what the clusters of this site do and have done."""

    help = gettext_noop("Sums up the Q clusters of this project.")

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        kinds = parser.add_mutually_exclusive_group()
        in_force = _("Print the configuration in force, without secrets.")
        kinds.add_argument("--config", action="store_true", help=in_force)
        kinds.add_argument("--ids", action="store_true", help=_("Print the ids of the clusters that run."))

    def show(self, options: dict[str, Any]) -> None:
        """Show one of the three."""
        if options["config"]:
            return self._show_configuration(options)
        if options["ids"]:
            return self._show_ids(options)
        return self._show_summary(options)

    def _show_configuration(self, options: dict[str, Any]) -> None:
        settings = configuration(current.runtime())
        if options["json"]:
            return self.write_json(settings)
        return self.stdout.write("\n".join(clean(f"{key}: {_told(value)}") for key, value in settings.items()))

    def _show_ids(self, options: dict[str, Any]) -> None:
        found = Lookout(current.runtime()).stats()
        for problem in found.problems:
            self.stderr.write(clean(problem))
        if options["json"]:
            named = [{"id": stat.cluster_id, "host": stat.host, "name": stat.name} for stat in found.stats]
            return self.write_json(named)
        for stat in found.stats:
            self.stdout.write(str(stat.cluster_id))
        return None

    def _show_summary(self, options: dict[str, Any]) -> None:
        if not options["json"]:
            self.needs_pictures()
        found = Lookout(current.runtime()).queued()
        summary = summarize(found)
        if options["json"]:
            return self.write_json(_plain(summary, found.problems))
        from djq_core.management.terminal.summary import drawn

        return self.write_drawn(lambda width: drawn(summary, found.problems), no_color=options["no_color"])


def _told(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _plain(summary: Summary, problems: tuple[str, ...]) -> dict[str, Any]:
    rate, unit = summary.rate
    return {**asdict(summary), "rate": rate, "rate_unit": unit, "problems": problems}
