"""Values that do not go together."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from djq_core.conf import CORE_KEYS, Conf
from djq_core.conf.contradictions import RULES
from tests.conf.making import conf, found, problems


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ({"broker": "orm", "broker_class": "app.Broker"}, ("djq.E005", "broker")),
        ({"renew_leases": False, "timeout": 60, "retry": 60}, ("djq.E006", "retry")),
        ({"renew_leases": False, "timeout": 61, "retry": 60}, ("djq.E006", "retry")),
        ({"accept_serializers": ["json"]}, ("djq.E009", "accept_serializers")),
        ({"serializer": "json", "accept_serializers": ["pickle"]}, ("djq.E009", "accept_serializers")),
        ({"renew_leases": False}, ("djq.W001", "renew_leases")),
        ({"workers": 4, "queue_limit": 3}, ("djq.W002", "queue_limit")),
        ({"bulk": 11, "workers": 2, "queue_limit": 10}, ("djq.W005", "bulk")),
    ],
)
def test_a_contradiction_is_found_once(keys: dict[str, Any], problem: tuple[str, str]) -> None:
    assert found(keys) == [problem]


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"broker": "orm"},
        {"broker_class": "app.Broker"},
        {"timeout": 600, "retry": 60},
        {"renew_leases": False, "timeout": 59, "retry": 60},
        {"serializer": "json"},
        {"serializer": "json", "accept_serializers": {"json", "pickle"}},
        {"workers": 4, "queue_limit": 4},
        {"bulk": 10, "workers": 2, "queue_limit": 10},
        {"cpu_affinity": 0},
        {"sync": True, "cached": 60},
    ],
)
def test_what_goes_together_is_no_problem(keys: dict[str, Any]) -> None:
    assert problems(keys) == []


def test_an_empty_secret_key_is_an_error() -> None:
    assert [problem.code for problem in Conf.problems({}, secret_key="")] == ["djq.E010"]


def test_cpu_affinity_without_psutil_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    (problem,) = problems(cpu_affinity=1)
    assert (problem.code, problem.is_error) == ("djq.W003", False)
    assert "djq-core[psutil]" in problem.hint


@pytest.mark.skipif(sys.platform != "linux", reason="Binding to processors is asked for where it is possible.")
def test_cpu_affinity_with_psutil_is_no_problem() -> None:
    pytest.importorskip("psutil")
    assert problems(cpu_affinity=1) == []


def test_max_rss_where_nobody_measures_memory_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("resource")
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert problems(max_rss=100_000) == []
    monkeypatch.setitem(sys.modules, "resource", None)
    assert found(max_rss=100_000) == [("djq.W004", "max_rss")]


def test_a_rule_about_a_refused_value_is_left_out() -> None:
    assert found(renew_leases=False, timeout="long") == [("djq.E002", "timeout")]
    assert found(workers=0, queue_limit=1) == [("djq.E003", "workers")]


def test_the_message_names_the_values() -> None:
    (problem,) = problems(renew_leases=False, timeout=90, retry=60)
    assert "`retry` (60 s) must be larger than `timeout` (90 s)" in problem.message
    assert problem.hint.startswith("Raise `retry`")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_names_keys_that_exist_and_tells_a_remedy(rule: Any) -> None:
    assert set(rule.keys) <= {*CORE_KEYS, "SECRET_KEY"}
    told = rule.problem(conf())
    assert f"{told.key}" in told.message
    assert told.hint.endswith(".")
