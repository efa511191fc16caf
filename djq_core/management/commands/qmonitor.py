"""``manage.py qmonitor``: the clusters, queues, running tasks and newest failures, live (manual 1.10)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from djq_core import current
from djq_core.management.terminal.command import TerminalCommand, add_live_arguments
from djq_core.management.terminal.views import View
from djq_core.monitor.clusters import Lookout
from djq_core.monitor.failures import newest
from djq_core.phrases import gettext_noop

if TYPE_CHECKING:
    from rich.console import RenderableType

_VIEWS: Final = ("clusters", "queues", "running", "failures")


class Command(TerminalCommand):
    """Watch the clusters of this site."""

    help = gettext_noop("Monitors the Q clusters of this project. Press q to quit.")

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        super().add_arguments(parser)
        add_live_arguments(parser)
        parser.add_argument(
            "--view", choices=_VIEWS, default=_VIEWS[0], help=_("What to show first, clusters by default.")
        )

    def show(self, options: dict[str, Any]) -> None:
        """Show the views live, one of them once, or all that they read as JSON."""
        lookout = Lookout(current.runtime())
        if options["json"]:
            return self.write_json(_everything(lookout))
        self.needs_pictures()
        views = _views(lookout)
        if not options["run_once"]:
            return self.run_live(views, options["view"], options["interval"], no_color=options["no_color"])
        view = next(view for view in views if view.name == options["view"])
        return self.write_view(view, no_color=options["no_color"])


def _views(lookout: Lookout) -> list[View]:
    from djq_core.management.terminal import tables

    return [
        View(name="clusters", title=_("Clusters"), read=lookout.overview, draw=_narrow(tables.clusters)),
        View(name="queues", title=_("Queues"), read=lambda: lookout.overview(has_series=True), draw=tables.queues),
        View(name="running", title=_("Running tasks"), read=lookout.stats, draw=_narrow(tables.running)),
        View(name="failures", title=_("Failures"), read=newest, draw=_narrow(tables.failures)),
    ]


def _narrow(draw: Callable[[Any], RenderableType]) -> Callable[[Any, int], RenderableType]:
    """Return what draws a picture whose width follows from what is in it."""
    return lambda data, width: draw(data)


def _everything(lookout: Lookout) -> dict[str, Any]:
    found = lookout.overview(has_series=True)
    return {
        "clusters": found.stats,
        "queues": found.queues,
        "failures": newest(),
        "problems": found.problems,
    }
