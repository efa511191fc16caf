"""``manage.py qmemory``: the memory of the clusters' processes on this host, live or once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from djq_core import current, optional
from djq_core.management.terminal.command import TerminalCommand, add_live_arguments
from djq_core.management.terminal.views import View
from djq_core.monitor.clusters import Lookout
from djq_core.monitor.memory import measure
from djq_core.phrases import gettext_noop

if TYPE_CHECKING:
    from djq_core.management.terminal.memory import Reading


class Command(TerminalCommand):
    """Watch the memory of the clusters that run on this host."""

    help = gettext_noop("Monitors the memory of the Q clusters on this host. Press q to quit.")

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        add_live_arguments(parser)
        parser.add_argument("--workers", action="store_true", help=_("Show each worker."))

    def show(self, options: dict[str, Any]) -> None:
        """Show the memory live, once, or as JSON; sizes in JSON are bytes."""
        optional.psutil()
        lookout = Lookout(current.runtime())
        if options["json"]:
            found = lookout.stats()
            return self.write_json({"memory": measure(found.stats), "problems": found.problems})
        self.needs_pictures()
        view = _view(lookout, has_workers=options["workers"])
        if options["run_once"]:
            return self.write_view(view, no_color=options["no_color"])
        return self.run_live([view], view.name, options["interval"], no_color=options["no_color"])


def _view(lookout: Lookout, *, has_workers: bool) -> View:
    from djq_core.management.terminal.memory import Reading, drawn

    def read() -> Reading:
        found = lookout.stats()
        return Reading(measure(found.stats), found.problems)

    def draw(reading: Reading, width: int) -> Any:
        return drawn(reading, has_workers=has_workers)

    return View(name="memory", title=_("Memory"), read=read, draw=draw)
