"""Tasks that mistreat their worker; each ends with one row, and the cluster goes on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.harness.fixtures import POSTGRESQL, SQLITE, MakeSite
from tests.harness.names import HOSTILE
from tests.harness.oracle import START
from tests.harness.sites import Site
from tests.harness.waiting import wait_until

_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=[SQLITE, POSTGRESQL])
def site(request: pytest.FixtureRequest, make_module_site: MakeSite) -> Iterator[Site]:
    """One site with one running cluster of two workers; a failed task is tried once."""
    site = make_module_site(request.param, q_cluster={"max_attempts": 1, "workers": 2, "retry": 30})
    with site.cluster() as cluster:
        yield site
        cluster.wait_full(2, 1.0)
        assert not [line for line in cluster.log.deaths("") if "worker" not in line], cluster.log.text()
        assert cluster.stop() == 0


@pytest.fixture
def label() -> str:
    """A label that no other task has."""
    return f"hostile-{next(_numbers)}"


def _assert_works(site: Site, label: str) -> None:
    """Four more tasks run, whatever happened."""
    for number in range(4):
        site.call("enqueue", "mark", f"{label}.{number}")
    for number in range(4):
        assert site.row(f"{label}.{number}")["success"]


@pytest.mark.parametrize(
    ("func", "reason"),
    [
        ("exit_politely", "SystemExit: 3"),
        ("interrupt", "KeyboardInterrupt"),
        ("tell_badly", "BadlyTold"),
        ("nest_without_end", "cannot be serialized"),
    ],
)
def test_whatever_a_task_raises_is_a_failure(site: Site, label: str, func: str, reason: str) -> None:
    row = site.row(site.call("enqueue_plain", f"{HOSTILE}.{func}", label, task_name=label))
    assert row["success"] is False
    assert reason in row["result"]
    assert site.oracle.of(label) == [START]
    _assert_works(site, label)


def test_a_worker_that_was_taken_apart_is_replaced_and_the_task_has_one_row(site: Site, label: str) -> None:
    site.row(site.call("enqueue_plain", f"{HOSTILE}.close_everything", label, task_name=label))
    assert site.oracle.of(label) == [START]
    _assert_works(site, label)


@pytest.mark.parametrize(
    "func", ["leave_a_transaction", "leave_blocks", "leave_closed_blocks", "close_the_connection", "write_everywhere"]
)
def test_what_a_task_leaves_behind_does_not_reach_the_next(site: Site, label: str, func: str) -> None:
    row = site.row(site.call("enqueue_plain", f"{HOSTILE}.{func}", label, task_name=label))
    assert row["success"] is True
    asked = [site.call("enqueue_plain", f"{HOSTILE}.ask_the_database", f"{label}-{n}") for n in range(4)]
    assert [site.row(task_id)["result"] for task_id in asked] == [1] * 4
    _assert_works(site, label)


def test_a_result_that_nobody_can_read_harms_only_its_reader(site: Site, label: str) -> None:
    row = site.row(site.call("enqueue_unreadable", "return", label))
    assert row["name"] == label
    _assert_works(site, label)


@pytest.mark.parametrize(("kind", "reason"), [("unloadable", "unloadable on purpose"), ("deadly", "exit code 9")])
def test_an_argument_that_cannot_be_read_is_a_failure(site: Site, label: str, kind: str, reason: str) -> None:
    site.call("enqueue_unreadable", kind, label)
    wait_until(lambda: label in site.call("stored")["failures"], 10, f"a failure of {label}")
    assert reason in site.call("stored")["failures"][label]
    assert site.oracle.of(label) == []
    _assert_works(site, label)


def test_a_hook_that_cannot_be_found_harms_nobody(site: Site, label: str) -> None:
    row = site.row(site.call("enqueue", "mark", label, hook=f"{HOSTILE}.nowhere"))
    assert row["success"] is True
    _assert_works(site, label)


@pytest.mark.parametrize("option", ["task_name", "group"])
@pytest.mark.parametrize("text", ["x" * 1_000, "nul\x00", "lone surrogate \ud800", "line\nbreak", "Ünïcödé ✓"])
def test_an_odd_name_is_taken_or_refused_but_never_lost(site: Site, label: str, option: str, text: str) -> None:
    before = sum(site.call("counts")[:2])
    answer = site.call("enqueue_with", label, option, text)
    if "Error" not in answer:
        site.wait_total(before + 1)
    _assert_works(site, label)
