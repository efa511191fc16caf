"""How tasks end, and that each end is recorded once, with a reason that a person understands."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator

import pytest

from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import POSTGRESQL, SQLITE, MakeSite
from tests.harness.names import TASKS
from tests.harness.oracle import END, HOOK, START
from tests.harness.sites import Site
from tests.harness.waiting import wait_until

_numbers = itertools.count(1)
MEGABYTES_50 = 50 << 20


@pytest.fixture(scope="module", params=[SQLITE, POSTGRESQL])
def site(request: pytest.FixtureRequest, make_module_site: MakeSite) -> Iterator[Site]:
    """One site with one running cluster; a failed task is tried once."""
    site = make_module_site(
        request.param, apps=("tests.harness.receivers.Receivers",), q_cluster={"max_attempts": 1, "retry": 30}
    )
    with site.cluster() as cluster:
        yield site
        _assert_nobody_died(cluster)


@pytest.fixture
def label() -> str:
    """A label that no other task has."""
    return f"task-{next(_numbers)}"


def _assert_nobody_died(cluster: ClusterProcess) -> None:
    assert not cluster.log.lines("SIG[A-Z]+|reincarnated"), cluster.log.text()
    assert cluster.stop() == 0


def _assert_ran_once(site: Site, label: str) -> None:
    assert site.oracle.of(label) == [START, END]


def _assert_answered(site: Site) -> None:
    wait_until(lambda: site.call("stored")["queued"] == 0, 5, lambda: f"an empty queue: {site.call('stored')}")


def _wait_for_hook(site: Site, label: str) -> dict[str, object]:
    wait_until(lambda: site.oracle.count(HOOK)[label], 10, f"the hook of {label}")
    return next(call for call in site.hook_calls() if call["name"] == label)


def test_a_success_is_stored_with_its_result(site: Site, label: str) -> None:
    task_id = site.call("enqueue", "mark", label)
    row = site.row(task_id)
    assert (row["name"], row["success"], row["result"], row["func"]) == (label, True, label, f"{TASKS}.mark")
    assert row["args"] == f"('{label}',)"
    assert row["attempt_count"] == 1
    assert site.call("result", task_id) == label
    assert site.call("fetched", label)["id"] == task_id
    _assert_ran_once(site, label)
    _assert_answered(site)


def test_a_failure_is_stored_with_error_and_traceback(site: Site, label: str) -> None:
    row = site.row(site.call("enqueue", "fail", label))
    assert row["success"] is False
    assert f"broken on purpose: {label}" in row["result"]
    assert "Traceback (most recent call last)" in row["result"]
    assert "tests/harness/tasks.py" in row["result"]
    assert site.oracle.of(label) == [START]
    _assert_answered(site)


def test_result_waits(site: Site, label: str) -> None:
    task_id = site.call("enqueue", "mark", label, 0.5)
    assert site.call("result", task_id, 0) is None
    assert site.call("result", task_id, 10_000) == label


def test_any_function_of_a_library_runs(site: Site) -> None:
    task_id = site.call("enqueue_plain", "math.copysign", 2, -2)
    assert site.row(task_id)["result"] == "-2.0"


@pytest.mark.parametrize("func", ["mark", "fail"])
def test_a_hook_gets_the_complete_task(site: Site, label: str, func: str) -> None:
    task_id = site.call("enqueue", func, label, hook=f"{TASKS}.note_hook", group=f"group of {label}")
    seen = _wait_for_hook(site, label)
    assert seen["class"] == "Task"
    assert (seen["id"], seen["func"], seen["args"]) == (task_id, f"{TASKS}.{func}", f"('{label}',)")
    assert (seen["hook"], seen["group"]) == (f"{TASKS}.note_hook", f"group of {label}")
    assert seen["success"] is (func == "mark")
    assert label in str(seen["result"])
    _assert_answered(site)
    assert site.oracle.count(HOOK)[label] == 1


def test_a_hook_of_a_task_that_is_not_saved_gets_the_complete_task(site: Site, label: str) -> None:
    site.call("enqueue", "mark", label, hook=f"{TASKS}.note_hook", save=False)
    seen = _wait_for_hook(site, label)
    assert (seen["success"], seen["result"], seen["args"]) == (True, label, f"('{label}',)")
    _assert_answered(site)
    assert site.call("row", label) is None


def test_a_hook_of_a_cached_task_gets_the_complete_task(site: Site, label: str) -> None:
    task_id = site.call("enqueue", "mark", label, hook=f"{TASKS}.note_hook", cached=60)
    seen = _wait_for_hook(site, label)
    assert (seen["id"], seen["success"], seen["result"], seen["args"]) == (task_id, True, label, f"('{label}',)")


def test_a_raising_hook_harms_nobody(site: Site, label: str) -> None:
    task_id = site.call("enqueue", "mark", label, hook=f"{TASKS}.raise_in_hook")
    wait_until(lambda: site.oracle.count(HOOK)[label], 10, "the hook")
    _assert_answered(site)
    assert site.row(task_id)["success"] is True
    assert site.oracle.count(HOOK)[label] == 1


def test_a_cached_result_stays_out_of_the_database_until_it_is_saved(site: Site, label: str) -> None:
    task_id = site.call("enqueue", "mark", label, cached=60)
    assert site.call("result", task_id, 10_000, cached=True) == label
    assert site.call("fetched", task_id, cached=True)["args"] == f"('{label}',)"
    assert site.call("row", task_id) is None
    assert site.call("save_cached", task_id)["result"] == label
    _assert_ran_once(site, label)


def test_a_success_that_is_not_to_be_saved_is_not(site: Site, label: str) -> None:
    site.call("enqueue", "mark", label, save=False)
    wait_until(lambda: site.oracle.count(END)[label], 10, "the end of the task")
    _assert_answered(site)
    assert site.call("row", label) is None


def test_a_failure_is_saved_even_when_successes_are_not(site: Site, label: str) -> None:
    assert site.row(site.call("enqueue", "fail", label, save=False))["success"] is False


def test_a_group_is_counted_and_collected(site: Site, label: str) -> None:
    for number in range(4):
        site.call("enqueue", "mark", f"{label}.{number}", group=label)
    site.call("enqueue", "fail", f"{label}.bad", group=label)
    wait_until(
        lambda: site.call("group", label)["count"] == 5, 10, lambda: f"five results: {site.call('group', label)}"
    )
    found = site.call("group", label)
    assert sorted(found["results"]) == [f"{label}.{number}" for number in range(4)]
    assert found["failures"] == 1


@pytest.mark.parametrize("path", ["tests.harness.tasks.nowhere", "no_such_package.task", "math.pi"])
def test_a_function_that_cannot_be_called_is_one_failure(site: Site, label: str, path: str) -> None:
    row = site.row(site.call("enqueue_plain", path, label, task_name=label))
    assert row["success"] is False
    assert path in row["result"]
    assert row["attempt_count"] == 1
    _assert_answered(site)


def test_a_result_that_cannot_be_serialized_is_one_failure(site: Site, label: str) -> None:
    row = site.row(site.call("enqueue", "cannot_be_sent_back", label))
    assert row["success"] is False
    assert "lock" in row["result"]
    assert "cannot" in row["result"]
    _assert_ran_once(site, label)
    _assert_answered(site)


def test_a_raising_receiver_is_one_failure_and_the_task_does_not_run(site: Site, label: str) -> None:
    row = site.row(site.call("enqueue", "vetoed", label))
    assert row["success"] is False
    assert f"the receiver refuses {label}" in row["result"]
    assert site.oracle.of(label) == []
    _assert_answered(site)


def test_a_package_with_a_foreign_signature_is_one_failure_and_leaves_the_queue(site: Site, label: str) -> None:
    before = set(site.call("stored")["failures"])
    site.call("enqueue_foreign", label)
    wait_until(lambda: len(set(site.call("stored")["failures"]) - before) == 1, 10, "one failure row")
    _assert_answered(site)
    (name,) = set(site.call("stored")["failures"]) - before
    reason = site.call("stored")["failures"][name]
    assert "signature" in reason
    assert "SECRET_KEY" in reason
    assert site.oracle.of(label) == []


@pytest.mark.parametrize(
    ("where", "named"), [("second", "Argument 2"), ("keyword", "Argument 'seconds'"), ("nested", "Argument 2")]
)
@pytest.mark.parametrize("kind", ["lock", "generator", "lambda"])
def test_an_argument_that_cannot_be_sent_is_refused_at_the_call(site: Site, kind: str, where: str, named: str) -> None:
    refusal = site.call("refusal", kind, where)
    assert refusal.startswith("SerializationError: ")
    assert named in refusal
    assert f"{TASKS}.mark" in refusal
    assert site.oracle.of("refused") == []


def test_fifty_megabytes_go_there(site: Site, label: str) -> None:
    task_id = site.call("enqueue_bytes", "measure", label, MEGABYTES_50)
    whole = hashlib.sha256(bytes(range(256)) * (MEGABYTES_50 // 256)).hexdigest()
    row = site.row(task_id, seconds=90)
    assert (row["success"], row["result"]) == (True, whole)
    _assert_ran_once(site, label)


def test_fifty_megabytes_come_back(site: Site, label: str) -> None:
    task_id = site.call("enqueue", "produce", label, MEGABYTES_50)
    assert site.call("result_size", task_id, 90_000, seconds=100) == MEGABYTES_50
    _assert_ran_once(site, label)
