"""The pytest plugin ``djq``: fixtures for sites, and the report of contracts. It needs no Django to be loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from djq_core.brokers.memory import MemoryBroker
    from djq_core.testing.clusters import RunCluster

_OPTION = "--djq-conformance"
_REPORT = "djq_conformance"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare where the report goes."""
    parser.getgroup("djq").addoption(
        _OPTION,
        metavar="PATH",
        type=Path,
        nargs="?",
        const=Path("djq-conformance.json"),
        help="write what the contracts of djq said of each class (default: djq-conformance.json)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Report where asked to; the workers of xdist send theirs to the process that does."""
    path: Path | None = config.getoption(_OPTION)
    if path is not None and not hasattr(config, "workerinput"):
        from djq_core.testing.conformance import Conformance

        config.pluginmanager.register(Conformance(config.invocation_params.dir / path), _REPORT)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of a contract that do not apply; each other one carries what the report says of it."""
    if "djq_core.testing.contract" not in sys.modules:
        return
    from djq_core.testing.applying import applies
    from djq_core.testing.conformance import PROPERTY, describe

    left_out = [item for item in items if not applies(item)]
    if left_out:
        items[:] = [item for item in items if applies(item)]
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        if config.getoption(_OPTION) is not None and (about := describe(item)):
            item.user_properties.append((PROPERTY, about))


@pytest.fixture
def djq_settings() -> Mapping[str, Any]:
    """Give keys of ``Q_CLUSTER`` that djq's fixtures change for a test; override it in a conftest or a module."""
    return {}


@pytest.fixture
def djq_memory(djq_settings: Mapping[str, Any]) -> Iterator[MemoryBroker]:
    """Give an empty queue in memory that everything in this test enqueues to; nothing runs what is on it."""
    from djq_core.testing.sites import memory_queue

    with memory_queue(djq_settings) as broker:
        yield broker


@pytest.fixture
def djq_sync(djq_settings: Mapping[str, Any]) -> Iterator[None]:
    """Let each task of this test run where it is enqueued, at once."""
    from djq_core.testing.sites import at_once

    with at_once(djq_settings):
        yield


@pytest.fixture
def djq_cluster(djq_settings: Mapping[str, Any]) -> RunCluster:
    """Give :func:`djq_core.testing.run_cluster`, with what ``djq_settings`` gives."""
    from functools import partial

    from djq_core.testing.clusters import run_cluster

    return partial(run_cluster, **djq_settings)
