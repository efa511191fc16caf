"""The fixtures of the pytest plugin, and the report of contracts, in runs of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.testing.site import run_tests

FIXTURES = """
import pytest
import site_tasks

from djq_core import current
from djq_core.models import Task
from djq_core.tasks import async_task, result


def test_a_queue_in_memory_keeps_what_is_enqueued(djq_memory):
    async_task("site_tasks.double", 1)
    assert djq_memory.queue_size() == 1
    assert current.runtime().shared_broker().queue_size() == 1


def test_each_test_has_a_queue_of_its_own(djq_memory):
    assert djq_memory.queue_size() == 0


@pytest.mark.django_db
def test_tasks_run_at_once(djq_sync):
    assert result(async_task("site_tasks.double", 2)) == 4


@pytest.mark.django_db(transaction=True)
def test_a_cluster_runs_them(djq_cluster):
    with djq_cluster(seconds=30):
        task_id = async_task("site_tasks.double", 3)
    assert result(task_id) == 6


class TestOwnKeys:
    @pytest.fixture
    def djq_settings(self):
        return {"name": "own", "workers": 1}

    def test_of_the_queue_in_memory(self, djq_memory):
        assert djq_memory.list_key == current.runtime().conf.name == "own"

    @pytest.mark.django_db(transaction=True)
    def test_of_the_cluster(self, djq_cluster):
        with djq_cluster() as cluster:
            assert (current.runtime().conf.name, current.runtime().conf.workers) == ("own", 1)
            cluster.drain()
        assert current.runtime().conf.name == "site"
"""

CONTRACTS = """
import json

import pytest

from djq_core.exceptions import SerializationError
from djq_core.serializers import JsonSerializer
from djq_core.testing import SerializerContract


class Upper(JsonSerializer):
    tag = "upper"

    def loads(self, data):
        value = super().loads(data)
        return value.upper() if isinstance(value, str) else value


class TestJson(SerializerContract):
    serializer_class = JsonSerializer
    dropped = {"test_threads_may_share_one": "there are no threads here"}

    @pytest.mark.skip(reason="one of my own, for later")
    def test_of_mine(self):
        pass

    def test_that_cannot_be_set_up(self, broken):
        pass

    @pytest.fixture
    def broken(self):
        raise RuntimeError("no server")


class TestUpper(SerializerContract):
    serializer_class = Upper


def test_of_no_contract():
    pass
"""


def test_the_fixtures_of_a_site(pytester: pytest.Pytester) -> None:
    run_tests(pytester, FIXTURES).assert_outcomes(passed=6)


def report_of(pytester: pytest.Pytester, *args: str, file: str = "djq-conformance.json") -> dict[str, Any]:
    done = run_tests(pytester, CONTRACTS, *args)
    assert done.ret == 1, done.stdout.str()
    report: dict[str, Any] = json.loads((Path(pytester.path) / file).read_text())
    return {contract["class"].rpartition("::")[2]: contract for contract in report["contracts"]}


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "1")], ids=["alone", "under xdist"])
def test_the_report_tells_what_was_held_to_what(pytester: pytest.Pytester, workers: tuple[str, ...]) -> None:
    found = report_of(pytester, "--djq-conformance", *workers)
    assert sorted(found) == ["TestJson", "TestUpper"]
    json_ = found["TestJson"]
    assert json_["contract"] == "SerializerContract"
    assert (json_["subject"], json_["name"]) == ("djq_core.serializers.json_.JsonSerializer", "json")
    assert (json_["distribution"], json_["version"]) == ("djq-core", "0.1.0")
    assert (found["TestUpper"]["distribution"], found["TestUpper"]["version"]) == (None, None)


def test_the_report_tells_how_each_test_ended(pytester: pytest.Pytester) -> None:
    found = report_of(pytester, "--djq-conformance", "there/report.json", file="there/report.json")
    tests = found["TestJson"]["tests"]
    assert tests["test_threads_may_share_one"] == {"outcome": "dropped", "reason": "there are no threads here"}
    assert tests["test_of_mine"] == {"outcome": "skipped", "reason": "one of my own, for later"}
    assert tests["test_that_cannot_be_set_up"] == {"outcome": "error", "reason": "RuntimeError: no server"}
    assert tests["test_bytes_that_were_cut_are_no_value[0.5]"] == {"outcome": "passed"}
    failed = found["TestUpper"]["tests"]["test_each_value_comes_back_as_it_went_in"]
    assert failed["outcome"] == "failed"
    assert "assert" in failed["reason"]


def test_the_report_tells_whether_a_class_conforms(pytester: pytest.Pytester) -> None:
    found = report_of(pytester, "--djq-conformance", "-k", "not test_that_cannot")
    assert (found["TestJson"]["conforms"], found["TestUpper"]["conforms"]) == (True, False)
    assert found["TestJson"]["counts"] == {"passed": 15, "dropped": 1, "skipped": 1}
    assert found["TestUpper"]["counts"]["failed"] > 0


def test_dropped_tests_are_listed_for_people(pytester: pytest.Pytester) -> None:
    done = run_tests(pytester, CONTRACTS, "--djq-conformance")
    done.stdout.fnmatch_lines(["  dropped test_threads_may_share_one: there are no threads here", "written to *.json"])


def test_without_the_option_there_is_no_report(pytester: pytest.Pytester) -> None:
    done = run_tests(pytester, CONTRACTS)
    assert list(Path(pytester.path).rglob("*.json")) == []
    done.stdout.no_fnmatch_line("*djq conformance*")


def test_a_run_without_djq_loads_nothing_of_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_it():
            assert sorted(name for name in sys.modules if name.startswith("djq_core")) == [
                "djq_core", "djq_core.markers", "djq_core.testing", "djq_core.testing.plugin"
            ]
    """)
    done = pytester.runpytest_subprocess("-p", "no:django", "-p", "no:randomly", "-p", "no:xdist", timeout=60)
    done.assert_outcomes(passed=1)
