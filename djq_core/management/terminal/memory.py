"""The table of ``qmemory``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from djq_core.management.terminal.tables import table, texts
from djq_core.management.terminal.words import clean, mebibytes
from djq_core.monitor.memory import Memory, Used, total

if TYPE_CHECKING:
    from djq_core.monitor.memory import Measured

_KINDS: Final = ("uss", "pss", "rss")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured, and what could not be read."""

    memory: Memory
    problems: tuple[str, ...] = ()


def drawn(reading: Reading, *, has_workers: bool) -> RenderableType:
    """Draw the memory of all processes, of the workers together unless ``has_workers``."""
    memory = reading.memory
    parts: list[RenderableType] = [Text(clean(problem), style="bold red") for problem in reading.problems]
    parts += [Text(_available(memory), style="bold"), Text()]
    if memory.clusters:
        parts.append(_table(memory, has_workers))
    elif not reading.problems:
        parts.append(Text(_("No cluster is running."), style="yellow"))
    legend = _("In MiB.  USS: its own  PSS: and its share of what is common  RSS: all it uses")
    return Group(*parts, Text(), Text(legend, style="dim"))


def _available(memory: Memory) -> str:
    return _("%(host)s: %(available)s of %(total)s MiB are available (%(share)s %%)") % {
        "host": clean(memory.host),
        "available": mebibytes(memory.available),
        "total": mebibytes(memory.total),
        "share": round(100 * memory.available / max(memory.total, 1)),
    }


def _table(memory: Memory, has_workers: bool) -> Table:
    kinds = tuple((kind.upper(), True) for kind in _KINDS)
    made = table((_("Host"), False), (_("Id"), True), (_("Process"), False), (_("Pid"), True), *kinds)
    for cluster in memory.clusters:
        where = (clean(cluster.host), str(cluster.cluster_id))
        if not cluster.is_here:
            made.add_row(*texts(*where), Text(_("not on this host"), style="dim"))
        for number, used in enumerate(_rows(cluster, has_workers)):
            made.add_row(*texts(*(where if number == 0 else ("", ""))), *_cells(used))
        if cluster.is_here:
            sums = (mebibytes(total(cluster.processes, kind)) for kind in _KINDS)
            made.add_row("", "", _("total"), "", *sums, style="bold", end_section=True)
    return made


def _rows(cluster: Measured, has_workers: bool) -> Iterator[Used]:
    workers = [used for used in cluster.processes if used.role == "worker"]
    yield from (used for used in cluster.processes if has_workers or used.role != "worker")
    if workers and not has_workers:
        told = ngettext("%(count)d worker", "%(count)d workers", len(workers)) % {"count": len(workers)}
        yield _together(told, workers)


def _together(name: str, workers: Sequence[Used]) -> Used:
    sums = {kind: total(workers, kind) for kind in _KINDS}
    return replace(workers[0], role=name, pid=0, **sums)


def _cells(used: Used) -> list[Text]:
    names = {
        "cluster": _("cluster"),
        "sentinel": _("sentinel"),
        "pusher": _("pusher"),
        "monitor": _("monitor"),
        "scheduler": _("scheduler"),
        "worker": _("worker"),
    }
    sizes = (mebibytes(getattr(used, kind)) for kind in _KINDS)
    return texts(names.get(used.role, used.role), str(used.pid or ""), *sizes)
