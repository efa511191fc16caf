"""The tables, drawn in a terminal of 80 columns: nothing cut, nothing steered by what is foreign."""

from __future__ import annotations

import io
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console, RenderableType

from djq_core.cluster.status import Running, Stat
from djq_core.conf import Conf
from djq_core.management.terminal import memory as memory_tables
from djq_core.management.terminal import summary as summary_tables
from djq_core.management.terminal import tables
from djq_core.monitor.clusters import Overview, Queue
from djq_core.monitor.failures import Failed
from djq_core.monitor.memory import Measured, Memory, Used
from djq_core.monitor.rates import Series
from djq_core.monitor.summary import MOST_COUNTED, Summary

GREEN, RED, YELLOW, CYAN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[36m"
BOLD_GREEN = "\x1b[1;32m"
NASTY = "[red]x[/red]\x1b[2J"
LONG = "shop.orders.tasks.a_function_whose_name_is_very_long.and_longer_than_a_line_of_the_terminal_is.run"


def drawn(what: RenderableType, *, width: int = 80, has_colours: bool = False) -> str:
    output = io.StringIO()
    console = Console(
        file=output, width=width, color_system="standard" if has_colours else None, force_terminal=has_colours
    )
    console.print(what)
    return output.getvalue()


def joined(text: str) -> str:
    """Return a text without what folding put in."""
    return "".join(text.split())


def stat(**fields: Any) -> Stat:
    born = datetime.now(UTC) - timedelta(seconds=75.5)
    values = {"cluster_id": 17004, "host": "Orion", "status": Conf.WORKING, "tob": born, "workers": [1, 2, 3, 4]}
    return Stat(**{**values, **fields})


def rows(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip() and "─" not in line]


# Clusters


def test_the_table_is_the_manuals() -> None:
    phoenix = stat(cluster_id=14710, host="Phoenix", task_q_size=63, done_q_size=14, workers=list(range(8)))
    overview = Overview(
        stats=(stat(task_q_size=23, reincarnations=2), phoenix), queues=(Queue(name="site", waiting=9),)
    )
    found = rows(drawn(tables.clusters(overview)))
    assert found[0] == ["Host", "Id", "State", "Pool", "TQ", "RQ", "RC", "Up"]
    assert found[1] == ["Orion", "17004", "Working", "4", "23", "0", "2", "0:01:15"]
    assert found[2] == ["Phoenix", "14710", "Working", "8", "63", "14", "0", "0:01:15"]
    assert found[3] == ["2", "clusters", "12", "86", "14", "2"]
    assert found[5] == ["site", "9", "-", "-"]


def test_the_names_of_clusters_are_shown_where_there_are_several() -> None:
    overview = Overview(stats=(stat(name="mails"),), queues=(Queue(name="mails"), Queue(name="site")))
    assert rows(drawn(tables.clusters(overview)))[1][:3] == ["Orion", "mails", "17004"]


def test_a_task_queue_that_is_full_is_green() -> None:
    def cell(**fields: int) -> str:
        overview = Overview(stats=(stat(status=Conf.STOPPING, **fields),), queues=())
        return drawn(tables.clusters(overview), has_colours=True)

    assert f"{BOLD_GREEN}23" in cell(task_q_size=23, queue_limit=23)
    assert f"{BOLD_GREEN}25" in cell(task_q_size=25, queue_limit=23)
    assert f"{CYAN}22" in cell(task_q_size=22, queue_limit=23)
    assert GREEN not in cell(task_q_size=0, queue_limit=23)


def test_a_state_has_its_colour() -> None:
    for status, colour in ((Conf.IDLE, GREEN), (Conf.STARTING, YELLOW), (Conf.STOPPING, YELLOW), (Conf.STOPPED, RED)):
        assert f"{colour}{status}" in drawn(tables.state(status), has_colours=True)


def test_no_cluster_is_said_so_unless_nobody_knows() -> None:
    assert "No cluster is running." in drawn(tables.clusters(Overview(queues=(Queue(name="a"),))))
    away = Overview(queues=(Queue(name="a"),), problems=("The broker of a does not answer: x",))
    found = drawn(tables.clusters(away))
    assert "The broker of a does not answer: x" in found
    assert "No cluster is running." not in found
    assert "No task is running." not in drawn(tables.running(away))


# Queues


def test_a_queue_has_its_charts_in_80_columns() -> None:
    half_an_hour = Series(depths=(None,) * 90 + tuple(range(90)), rates=(0.0,) * 179 + (2.5,))
    queue = Queue(name="site", waiting=89, held=2, rate=2.5, series=half_an_hour)
    found = drawn(tables.queues(Overview(queues=(queue, Queue(name="new"))), 76), width=76)
    assert "2.5/s" in found
    assert "█" in found
    assert "peak 89" in found
    assert "peak 2.5/s" in found
    assert "not known yet" in found
    assert len({len(line) for line in found.splitlines() if "─" in line}) == 1


# Running tasks and failures


def test_the_oldest_running_task_comes_first() -> None:
    now = time.time()
    young = Running(worker=5, id="1", name="young", func="a.b", since=now - 3)
    old = Running(worker=6, id="2", name="old", func="a.b", since=now - 3700.5, attempt=3)
    found = rows(drawn(tables.running(Overview(stats=(stat(running=(young, old)),)))))
    assert found[1:] == [
        ["1:01:40", "3", "old", "a.b", "Orion", "6"],
        ["0:00:03", "1", "young", "a.b", "Orion", "5"],
    ]
    assert "No task is running." in drawn(tables.running(Overview()))


def test_nothing_is_cut_and_nothing_steers() -> None:
    run = Running(worker=5, id="1", name=NASTY + LONG, func=LONG, since=time.time())
    failed = Failed(
        id="1", name=NASTY, func=LONG, cluster="c", stopped=datetime.now(UTC), attempts=2, error=f"E: {LONG}{NASTY}"
    )
    several = (Queue(name="a"), Queue(name="b"))
    overview = Overview(stats=(stat(host=LONG, name=NASTY, running=(run,)),), queues=several, problems=(NASTY,))
    for picture in (tables.clusters(overview), tables.running(overview), tables.failures([failed])):
        found = drawn(picture, width=76)
        assert joined(LONG) in joined(found) or LONG[:8] in found
        assert "[red]x[/red]�[2J" in joined(found)
        assert "\x1b" not in found
        assert "…" not in found
        assert max(map(len, found.splitlines())) <= 76


def test_a_failure_tells_its_error() -> None:
    failed = Failed(id="1", name="n", func="a.b", cluster="", stopped=datetime.now(UTC), attempts=2, error="E: x")
    found = drawn(tables.failures([failed]))
    assert rows(found)[1][1:] == ["2", "n", "a.b"]
    assert rows(found)[2] == ["E:", "x"]
    assert "No task has failed." in drawn(tables.failures([]))


# Memory


def measured(**fields: Any) -> Memory:
    roles = ("cluster", "sentinel", "worker", "worker")
    processes = tuple(Used(role=role, pid=pid, uss=2**20, pss=2**21, rss=2**22) for pid, role in enumerate(roles, 10))
    here = Measured(host="Orion", cluster_id=10, name="site", is_here=True, processes=processes)
    there = Measured(host="Phoenix", cluster_id=77, name="site", is_here=False)
    return Memory(**{"host": "Orion", "total": 2**32, "available": 2**31, "clusters": (here, there), **fields})


def test_workers_are_one_row_unless_asked_for() -> None:
    together = drawn(memory_tables.drawn(memory_tables.Reading(measured()), has_workers=False))
    assert "Orion: 2048.0 of 4096.0 MiB are available (50 %)" in together
    assert ["2", "workers", "2.0", "4.0", "8.0"] in rows(together)
    assert ["total", "4.0", "8.0", "16.0"] in rows(together)
    assert ["Phoenix", "77", "not", "on", "this", "host"] in rows(together)
    apart = rows(drawn(memory_tables.drawn(memory_tables.Reading(measured()), has_workers=True)))
    assert ["worker", "12", "1.0", "2.0", "4.0"] in apart
    assert ["worker", "13", "1.0", "2.0", "4.0"] in apart


def test_memory_of_no_cluster_is_said_so_with_what_could_not_be_read() -> None:
    assert "No cluster is running." in drawn(
        memory_tables.drawn(memory_tables.Reading(measured(clusters=())), has_workers=False)
    )
    reading = memory_tables.Reading(measured(clusters=()), ("Away.",))
    found = drawn(memory_tables.drawn(reading, has_workers=False))
    assert "Away." in found
    assert "No cluster" not in found


# Summary


def test_the_summary_is_the_manuals() -> None:
    summary = Summary(
        clusters=1, workers=4, restarts=0, queued=0, successes=1000, failures=2, schedules=4, done=177,
        is_done_complete=True, avg_time=0.16123,
    )  # fmt: skip
    assert rows(drawn(summary_tables.drawn(summary, ()))) == [
        ["djq", "summary"],
        ["Clusters", "1", "Workers", "4", "Restarts", "0"],
        ["Queued", "0", "Successes", "1000", "Failures", "2"],
        ["Schedules", "4", "Tasks/hour", "7.38", "Avg", "time", "0.1612"],
    ]


def test_a_summary_of_what_is_not_known() -> None:
    summary = Summary(
        clusters=0, workers=0, restarts=0, queued=None, successes=MOST_COUNTED, failures=0, schedules=0, done=86_400_0,
        is_done_complete=False, avg_time=None,
    )  # fmt: skip
    found = drawn(summary_tables.drawn(summary, ("Away.",)))
    assert "Away." in found
    assert ["Queued", "-", "Successes", "1000000+", "Failures", "0"] in rows(found)
    assert ["Schedules", "0", "Tasks/second", "10.00+", "Avg", "time", "-"] in rows(found)
