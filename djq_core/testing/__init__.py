"""For authors of plugins and of sites: contracts as test suites, and real clusters. Needs ``djq-core[testing]``.

Nothing is imported before it is asked for, so that the pytest plugin costs a run without djq nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from djq_core.testing.broker import BrokerContract
    from djq_core.testing.clusters import ClusterFailure, run_cluster
    from djq_core.testing.reporters import ErrorReporterContract
    from djq_core.testing.results import ResultBackendContract
    from djq_core.testing.serializers import SerializerContract

__all__ = [
    "BrokerContract",
    "ClusterFailure",
    "ErrorReporterContract",
    "ResultBackendContract",
    "SerializerContract",
    "run_cluster",
]

_HOMES = {
    "BrokerContract": "broker",
    "ClusterFailure": "clusters",
    "ErrorReporterContract": "reporters",
    "ResultBackendContract": "results",
    "SerializerContract": "serializers",
    "run_cluster": "clusters",
}
_LEVELS = ("kit", "basics", "receipts", "leases", "limits", "undeclared", "processes", "children", "chaos", "servers")
_CONTRACTS = ("records", "results", "groups", "serializers", "reporters")
pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in (*_LEVELS, *_CONTRACTS)))


def __getattr__(name: str) -> Any:
    """Return what is asked for from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
