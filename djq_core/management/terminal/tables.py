"""The tables of ``qmonitor`` (manual 1.10, 1.10.1): rich draws them, here they get their columns and colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from rich.box import Box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from djq_core.conf import Conf
from djq_core.management.terminal.words import clean, duration, moment, number, pace, sparkline

if TYPE_CHECKING:
    from djq_core.cluster.status import Stat
    from djq_core.monitor.clusters import Overview, Queue
    from djq_core.monitor.failures import Failed

#: A line below the heads, and one between sections.
_LINES: Final = Box("    \n    \n ── \n    \n ── \n    \n    \n    \n")
_COLOURS: Final = {
    Conf.STARTING: "yellow",
    Conf.IDLE: "green",
    Conf.WORKING: "green",
    Conf.STOPPING: "yellow",
    Conf.STOPPED: "red",
}
#: The columns of a table of queues that are not charts, roughly, and the narrowest and widest chart.
_BESIDE_CHARTS: Final = 44
_NARROWEST, _WIDEST = 10, 60
#: So many characters of the name of a cluster are not folded, however long that of its host is.
_NAME: Final = 16


def table(*columns: tuple[str, bool]) -> Table:
    """Return an empty table; of each column its head, and whether it holds numbers."""
    made = Table(box=_LINES, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    for head, is_number in columns:
        made.add_column(head, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    return made


def clusters(overview: Overview) -> RenderableType:
    """Draw the clusters, and below them the sizes of their queues."""
    parts: list[RenderableType] = [*_problems(overview.problems)]
    if overview.stats:
        parts += [_of_clusters(overview.stats, has_names=len(overview.queues) > 1), Text()]
    elif not overview.problems:
        parts += [Text(_("No cluster is running."), style="yellow"), Text()]
    parts.append(_of_queues(overview.queues))
    legend = _("TQ: tasks not started  RQ: results not saved  RC: processes replaced")
    return Group(*parts, Text(), Text(legend, style="dim"))


def queues(overview: Overview, width: int) -> RenderableType:
    """Draw the queues with charts of their last half hour, in so many columns."""
    chart = max(_NARROWEST, min(_WIDEST, (width - _BESIDE_CHARTS) // 2))
    legend = _("Depth: tasks not started, in broker and clusters.  Throughput: tasks ended.  Each chart: 30 minutes.")
    parts: list[RenderableType] = [*_problems(overview.problems), _of_queues(overview.queues, chart)]
    return Group(*parts, Text(), Text(legend, style="dim"))


def running(overview: Overview) -> RenderableType:
    """Draw the tasks that run now, the oldest first."""
    runs = sorted(((run, stat) for stat in overview.stats for run in stat.running), key=lambda each: each[0].since)
    if not runs:
        told = [] if overview.problems else [Text(_("No task is running."), style="yellow")]
        return Group(*_problems(overview.problems), *told)
    heads = (
        (_("Time"), True),
        (_("Try"), True),
        (_("Task and function"), False),
        (_("Host"), False),
        (_("Worker"), True),
    )
    made = table(*heads)
    for run, stat in runs:
        task = _named(run.name, run.func)
        made.add_row(duration(run.seconds()), str(run.attempt), task, Text(clean(stat.host)), str(run.worker))
    return Group(*_problems(overview.problems), made)


def failures(failed: Sequence[Failed]) -> RenderableType:
    """Draw the newest failures, each with the first line of its error."""
    if not failed:
        return Text(_("No task has failed."), style="green")
    made = table((pgettext("time", "Stopped"), False), (_("Tries"), True), (_("Task, function and error"), False))
    for each in failed:
        task = _named(each.name, each.func).append(f"\n{clean(each.error)}", style="red")
        made.add_row(moment(each.stopped), str(each.attempts), task)
    return made


def texts(*cells: str) -> list[Text]:
    """Return cells in which nothing is markup."""
    return [Text(cell) for cell in cells]


def state(status: str) -> Text:
    """Return the state of a cluster in its colour."""
    names = {
        Conf.STARTING: _("Starting"),
        Conf.IDLE: _("Idle"),
        Conf.WORKING: _("Working"),
        Conf.STOPPING: _("Stopping"),
        Conf.STOPPED: _("Stopped"),
    }
    return Text(names.get(status, clean(status)), style=_COLOURS.get(status, ""))


def _named(name: str, func: str) -> Text:
    """Return a task by its name and its function, on one line where there is room."""
    return Text.assemble(clean(name), "  ", (clean(func), "dim"))


def _problems(problems: Sequence[str]) -> list[Text]:
    return [Text(clean(problem), style="bold red") for problem in problems] + [Text()] * bool(problems)


# Clusters


def _of_clusters(stats: Sequence[Stat], *, has_names: bool) -> Table:
    numbers = ((_("Pool"), True), (_("TQ"), True), (_("RQ"), True), (_("RC"), True), (_("Up"), True))
    names = ((_("Cluster"), False),) if has_names else ()
    made = table((_("Host"), False), *names, (_("Id"), True), (_("State"), False), *numbers)
    if has_names:
        made.columns[1].min_width = min(_NAME, max(len(stat.name) for stat in stats))
    for stat in stats:
        named = (Text(clean(stat.name)),) if has_names else ()
        made.add_row(Text(clean(stat.host)), *named, *_cells(stat))
    made.add_section()
    sums: list[Any] = [
        sum(len(stat.workers) for stat in stats),
        *(sum(getattr(stat, name) for stat in stats) for name in ("task_q_size", "done_q_size", "reincarnations")),
    ]
    told = ngettext("%(count)d cluster", "%(count)d clusters", len(stats)) % {"count": len(stats)}
    made.add_row(told, *("" for _each in (*names, 1, 2)), *map(str, sums), style="bold")
    return made


def _cells(stat: Stat) -> list[Text]:
    return [
        Text(str(stat.cluster_id)),
        state(stat.status),
        Text(str(len(stat.workers))),
        Text(str(stat.task_q_size), style=_colour_of_tasks(stat)),
        Text(str(stat.done_q_size), style="cyan" if stat.done_q_size else ""),
        Text(str(stat.reincarnations), style="yellow" if stat.reincarnations else ""),
        Text(duration(stat.uptime())),
    ]


def _colour_of_tasks(stat: Stat) -> str:
    """Green when ``queue_limit`` is reached, as the manual's legend has it."""
    if stat.queue_limit and stat.task_q_size >= stat.queue_limit:
        return "bold green"
    return "cyan" if stat.task_q_size else ""


# Queues


def _of_queues(found: Sequence[Queue], chart: int = 0) -> Table:
    charts = ((_("Depth"), False), (_("Throughput"), False)) if chart else ()
    made = table((_("Queue"), False), (_("Waiting"), True), (_("Held"), True), (_("Rate"), True), *charts)
    for queue in found:
        sizes = texts(clean(queue.name), number(queue.waiting), number(queue.held), pace(queue.rate))
        made.add_row(*sizes, *(_charts(queue, chart) if chart else ()))
    return made


def _charts(queue: Queue, width: int) -> list[RenderableType]:
    depths, rates = queue.series.depths, queue.series.rates
    return [_chart(depths, width, "cyan", str), _chart(rates, width, "green", pace)]


def _chart(values: Sequence[float | None], width: int, colour: str, told: Any) -> RenderableType:
    highest = max((value for value in values if value is not None), default=None)
    if highest is None:
        return Text(_("not known yet"), style="dim")
    bars = Text(sparkline(values, width), style=colour, no_wrap=True)
    return Group(bars, Text(_("peak %(value)s") % {"value": told(highest)}, style="dim"))
