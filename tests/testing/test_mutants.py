"""Each fault is found by the test of the contract that is meant to find it."""

from __future__ import annotations

import pytest

from djq_core.brokers.base import Broker
from tests.testing.mutants_of_looks import FOUND_BY

CONTRACT = """
from contextlib import nullcontext

import pytest

from djq_core.testing import BrokerContract
from {module} import {name}

class TestIt(BrokerContract):
    broker_class = {name}
    short_lease = 0.3
    patience = 1.0

    @pytest.fixture
    def transaction(self):
        return nullcontext
"""
#: Without plugins of the run around it, and deaf to what other tests have left to the garbage collector.
ALONE = (
    "-q",
    *(f"-pno:{name}" for name in ("randomly", "django", "xdist", "cacheprovider", "timeout", "unraisableexception")),
)


def failures(pytester: pytest.Pytester, broker: type[Broker], test: str) -> list[str]:
    """Return the names of the contract's tests that fail, of this one alone."""
    pytester.makepyfile(test_it=CONTRACT.format(module=broker.__module__, name=broker.__name__))
    done = pytester.inline_run(*ALONE, f"test_it.py::TestIt::{test}")
    passed, skipped, failed = done.listoutcomes()
    assert len(passed) + len(skipped) + len(failed) >= 1
    return [report.nodeid.rpartition("::")[2] for report in failed if report.when == "call"]


@pytest.mark.parametrize("broker", FOUND_BY, ids=lambda broker: broker.__name__)
def test_each_fault_is_found(pytester: pytest.Pytester, broker: type[Broker]) -> None:
    test = FOUND_BY[broker]
    assert failures(pytester, broker, test) == [test]
