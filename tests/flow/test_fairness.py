"""Nobody waits behind a long task while a worker is free."""

from __future__ import annotations

import pytest

from tests.harness.fixtures import MakeSite
from tests.harness.oracle import END, START
from tests.harness.sites import Site

LONG = 5.0
SHORT = 0.01
COUNT = 200


def _free_and_waiting(site: Site, labels: list[str], workers: int) -> float:
    """Return the longest time in which a task waited for the next start of any task while a worker was free.

    With all tasks enqueued, the next start must follow as soon as a worker is free, until none is left.
    """
    events = sorted(site.oracle.entries(START, END), key=lambda entry: entry.at)
    wanted, busy, longest, since = set(labels), 0, 0.0, None
    for entry in events:
        if since is not None and wanted:
            longest = max(longest, entry.at - since)
        busy += 1 if entry.kind == START else -1
        wanted.discard(entry.label)
        since = entry.at if busy < workers and wanted else None
    return longest


@pytest.mark.parametrize("func", ["mark", "mark_in_the_same_way"])
def test_short_tasks_do_not_wait_behind_a_long_one(make_site: MakeSite, func: str) -> None:
    """With ``mark`` the long task looks short by what was measured of its function; it must be found out."""
    site = make_site()
    with site.cluster():
        site.call("enqueue_many", "mark", [f"before-{n}" for n in range(COUNT)], SHORT)
        site.wait_counts(COUNT)
        seen = site.oracle.total(END)
        site.call("enqueue", func, "long", LONG)
        short = [f"after-{n}" for n in range(COUNT)]
        site.call("enqueue_many", "mark", short, SHORT)
        site.wait_counts(2 * COUNT + 1)
        assert site.oracle.total(END) == seen + COUNT + 1
        last = max(entry.at for entry in site.oracle.entries(END) if entry.label in short)
        assert last < site.oracle.at("long", START) + LONG / 2
        assert set(site.oracle.count(START).values()) == {1}


def test_a_free_worker_is_given_what_waits(make_site: MakeSite) -> None:
    site = make_site()
    labels = [f"task-{n}" for n in range(60)]
    site.call("enqueue", "mark", "long", 2.0)
    site.call("enqueue_many", "mark", labels, 0.1)
    with site.cluster():
        site.wait_counts(61)
        assert _free_and_waiting(site, labels, workers=4) < 0.25
