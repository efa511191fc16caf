"""The monitor in a real terminal, with a real cluster (manual 1.10, 1.10.1)."""

from __future__ import annotations

import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import MakeSite
from tests.harness.logs import WORKER
from tests.harness.sites import Site
from tests.harness.waiting import wait_until
from tests.services import tmux, unavailable
from tests.services.tmux import Terminal

WORKERS = 2
LIMIT = 3
#: More than the cluster takes: two run, three wait in it, four in the broker.
LONG_ONES = WORKERS + LIMIT + 4


@pytest.fixture(scope="module")
def site(make_module_site: MakeSite) -> Site:
    q_cluster = {"workers": WORKERS, "queue_limit": LIMIT, "max_attempts": 1, "ALT_CLUSTERS": {"mails": {}}}
    return make_module_site(q_cluster=q_cluster)


@pytest.fixture(scope="module")
def cluster(site: Site) -> Iterator[ClusterProcess]:
    """Give a cluster that is full of tasks that do not end, after one that failed."""
    site.call("enqueue", "fail", "broken")
    with site.cluster() as cluster:
        site.wait_counts(0, failures=1)
        for number in range(LONG_ONES):
            site.call("enqueue", "mark", f"long-{number}", 600)
        yield cluster


@pytest.fixture(scope="module")
def monitor(site: Site, cluster: ClusterProcess) -> Iterator[Terminal]:
    with opened(site, "qmonitor", "--interval", "0.3") as terminal:
        terminal.wait_for("Clusters", "Working")
        yield terminal


@contextmanager
def opened(site: Site, *command: str, **size: int) -> Iterator[Terminal]:
    try:
        with tmux.running([sys.executable, "-m", "django", *command], site.folder, site.env, **size) as terminal:
            yield terminal
    except tmux.Missing as error:
        unavailable(str(error))


def line_with(screen: str, text: str) -> str:
    return next(line for line in screen.splitlines() if text in line)


def colours(screen: str) -> dict[str, str]:
    """Return the colour in which each word of the line of the cluster that works is written."""
    found: dict[str, str] = {}
    colour = ""
    for code, text in re.findall(r"\x1b\[([\d;]*)m([^\x1b]*)", line_with(screen, "Working")):
        colour = next(iter(re.findall(r"38;[25];[\d;]+?(?=$|;48)|3\d(?=$|;)", code)), colour)
        found.update(dict.fromkeys(text.split(), colour))
    return found


def test_the_table_of_clusters_is_the_manuals(monitor: Terminal, cluster: ClusterProcess) -> None:
    monitor.press("1")
    screen = monitor.wait_for("Pool", str(cluster.pid), "Working", "1 cluster", "mails", "q Quit")
    heads, row = line_with(screen, "Pool").split(), line_with(screen, str(cluster.pid)).split()
    assert heads == ["Host", "Cluster", "Id", "State", "Pool", "TQ", "RQ", "RC", "Up"]
    assert row[1:8] == ["site", str(cluster.pid), "Working", str(WORKERS), str(LIMIT), "0", "0"]
    assert re.fullmatch(r"0:\d\d:\d\d", row[8])
    assert line_with(screen, "1 cluster").split() == ["1", "cluster", str(WORKERS), str(LIMIT), "0", "0"]
    assert line_with(screen, "mails").split()[:3] == ["mails", "0", "0"]
    waiting = re.compile(rf" site +{LONG_ONES - WORKERS - LIMIT} +{WORKERS + LIMIT} ")
    assert waiting.search(screen)


def test_the_task_queue_is_green_when_it_is_full(monitor: Terminal) -> None:
    monitor.press("1")
    monitor.wait_for("Pool", "Working")
    seen = colours(monitor.screen(has_colours=True))
    assert seen[str(LIMIT)] == seen["Working"]
    assert seen[str(LIMIT)] != seen["site"]


def test_keys_lead_to_the_other_views(monitor: Terminal, cluster: ClusterProcess) -> None:
    monitor.press("2")
    screen = monitor.wait_for("Throughput", "30 minutes", "peak")
    assert re.search(r" site +4 +5 +[\d.]+/(s|min|h) ", screen)
    monitor.press("3")
    screen = monitor.wait_for("Task and function", "long-0", "long-1", "q Quit")
    assert "tests.harness.tasks.mark" in screen
    assert any(str(pid) in line_with(screen, "long-0") for pid in cluster.role(WORKER))
    monitor.press("4")
    screen = monitor.wait_for("function and error", "broken on purpose: broken")
    assert "ValueError" in screen
    monitor.press("Left")
    monitor.wait_for("Running tasks", "long-0", without="broken on purpose")
    monitor.press("Right", "Right")
    monitor.wait_for("Pool")


def test_a_database_that_is_away_is_one_line_until_it_is_back(monitor: Terminal, site: Site) -> None:
    monitor.press("4")
    monitor.wait_for("broken on purpose")
    rename(site, "djq_core_task", "away")
    try:
        screen = monitor.wait_for("This cannot be read now: OperationalError: no such table: djq_core_task")
        assert "broken on purpose" in screen
        assert "Traceback" not in screen
    finally:
        rename(site, "away", "djq_core_task")
    monitor.wait_for("broken on purpose", without="cannot be read")


def test_it_fits_another_size(monitor: Terminal) -> None:
    monitor.press("2")
    narrow = line_with(monitor.wait_for("Throughput"), "Queue ")
    monitor.resize(140, 40)
    try:
        wait_until(lambda: is_wide(narrow, monitor.screen()), 10, lambda: f"wide charts:\n{monitor.screen()}", 0.1)
    finally:
        monitor.resize(80, 24)


def test_q_quits_the_memory_monitor(site: Site, cluster: ClusterProcess) -> None:
    with opened(site, "qmemory", "--workers") as terminal:
        screen = terminal.wait_for("USS", "sentinel", "total")
        for pid in cluster.role(WORKER):
            assert line_with(screen, str(pid)).split()[0] == "worker"
        terminal.press("q")
        terminal.wait_for("ended with 0", without="USS")


def is_wide(narrow: str, screen: str) -> bool:
    """Has the last column moved to the right?"""
    return "Throughput" in screen and line_with(screen, "Queue ").index("Throughput") > narrow.index("Throughput") + 20


def rename(site: Site, old: str, new: str) -> None:
    with closing(sqlite3.connect(site.database["NAME"], timeout=20)) as connection, connection:
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
