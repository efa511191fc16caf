"""Tests of a contract that do not apply are not collected, and the report names them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from djq_core.brokers.memory import MemoryBroker
from djq_core.testing import BrokerContract
from djq_core.testing.applying import not_applying
from djq_core.testing.broker import BrokerContract as Original
from tests.testing.test_mutants import ALONE

DECLARED = "test_an_extended_lease_does_not_lapse"
UNDECLARED = "test_without_leases_nothing_is_extended"
NEEDS_A_SERVER = "test_a_killed_server_is_an_error_in_time"
RUN = """
from djq_core.brokers.memory import MemoryBroker
from djq_core.testing import BrokerContract

class TestIt(BrokerContract):
    broker_class = MemoryBroker

class TestItAgain(TestIt):
    pass
"""


def contract(broker: type[MemoryBroker], **attributes: Any) -> type[Original]:
    return type("Own", (BrokerContract,), {"broker_class": broker, **attributes})


class WithoutLeases(MemoryBroker):
    supports_leases = False
    fences_receipts = False


def test_each_side_of_a_flag_applies_to_the_classes_on_that_side() -> None:
    with_, without = not_applying(contract(MemoryBroker)), not_applying(contract(WithoutLeases))
    assert (with_.get(DECLARED), with_[UNDECLARED]) == (None, "MemoryBroker declares supports_leases")
    assert (without[DECLARED], without.get(UNDECLARED)) == ("WithoutLeases does not declare supports_leases", None)


def test_a_test_may_need_two_flags() -> None:
    class Fenced(WithoutLeases):
        fences_receipts = True

    name = "test_a_lost_lease_cannot_be_extended"
    assert name not in not_applying(contract(MemoryBroker))
    for broker in (WithoutLeases, Fenced):
        assert name in not_applying(contract(broker))


def test_what_is_not_given_is_told() -> None:
    @pytest.fixture
    def server(self: object) -> object:
        return object()

    assert not_applying(contract(MemoryBroker))[NEEDS_A_SERVER] == "the fixture 'server' is not given"
    assert NEEDS_A_SERVER not in not_applying(contract(MemoryBroker, server=server))
    assert NEEDS_A_SERVER not in not_applying(type("Heir", (contract(MemoryBroker, server=server),), {}))


def test_a_test_that_does_not_apply_is_not_run_even_when_it_is_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=RUN)
    names = (DECLARED, UNDECLARED, NEEDS_A_SERVER)
    done = pytester.runpytest_inprocess(*ALONE, *(f"test_it.py::TestIt::{name}" for name in names))
    done.assert_outcomes(passed=1, deselected=2)


def test_the_report_tells_what_did_not_apply(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=RUN)
    pytester.runpytest_inprocess(*ALONE, "-k", DECLARED, "--djq-conformance", "report.json")
    first, second = json.loads((Path(pytester.path) / "report.json").read_text())["contracts"]
    assert first["not_applying"] == second["not_applying"] == not_applying(contract(MemoryBroker))
    assert first["tests"] == {DECLARED: {"outcome": "passed"}}
