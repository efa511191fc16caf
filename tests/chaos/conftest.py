"""Sites, clusters, and luck that can be repeated."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.chaos import record
from tests.harness.fixtures import (
    make_module_site,
    make_site,
    mariadb_databases,
    postgres_databases,
    sqlite_databases,
)

__all__ = ["make_module_site", "make_site", "mariadb_databases", "postgres_databases", "rng", "sqlite_databases"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin the record of a scenario."""
    record.begin()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write the record of a scenario that was run into the report where one was asked for."""
    outcome = yield
    path = os.environ.get(record.REPORT)
    is_run = outcome.when == "call" and not outcome.skipped
    if path and is_run and isinstance(item, pytest.Function) and record.is_of_scenario(item):
        record.keep(Path(path), record.record_of(item, outcome))
    return outcome


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Give the luck of one test; its seed and the command that repeats it are printed."""
    seed = int(os.environ.get(record.SEED) or random.SystemRandom().randrange(1 << 32))
    request.node.user_properties.append(("seed", seed))
    sys.stdout.write(f"\nseed {seed}; again: {record.again(request.node.nodeid, seed)}\n")
    return random.Random(seed)
