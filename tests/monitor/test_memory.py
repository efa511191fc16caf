"""The memory of processes, as psutil measures it."""

from __future__ import annotations

import os
import socket
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from djq_core.cluster.status import Stat
from djq_core.monitor.memory import Used, measure, total

ME = os.getpid()
NO_PROCESS = 2**22 + 1


def stat(**fields: Any) -> Stat:
    values = {"cluster_id": ME, "host": socket.gethostname(), "sentinel": ME, "workers": [ME, ME, NO_PROCESS]}
    return Stat(**{**values, **fields})


def test_the_processes_of_this_host_are_measured() -> None:
    pytest.importorskip("psutil")
    memory = measure([stat()])
    (cluster,) = memory.clusters
    assert cluster.is_here
    assert [used.role for used in cluster.processes] == ["cluster", "sentinel", "worker", "worker"]
    for used in cluster.processes:
        assert used.pid == ME
        assert 2**20 < (used.uss or 0) <= (used.rss or 0)
    assert 0 < memory.available < memory.total


def test_a_cluster_on_another_host_is_not_measured() -> None:
    pytest.importorskip("psutil")
    (cluster,) = measure([stat(host="elsewhere")]).clusters
    assert not cluster.is_here
    assert cluster.processes == ()


@pytest.mark.parametrize(
    "fields", [{"cluster_id": NO_PROCESS}, {"tob": datetime.now(UTC) - timedelta(days=3650)}], ids=["gone", "another"]
)
def test_a_process_that_only_has_the_number_is_not_measured(fields: dict[str, Any]) -> None:
    pytest.importorskip("psutil")
    assert not measure([stat(**fields)]).clusters[0].is_here


def test_a_sum_of_which_a_part_is_unknown_is_unknown() -> None:
    known, unknown = Used(role="worker", pid=1, uss=5), Used(role="worker", pid=2)
    assert total([known, known], "uss") == 10
    assert total([known, unknown], "uss") is None
    assert total([], "uss") is None


def test_a_missing_psutil_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(ImportError, match=r"pip install 'djq-core\[psutil\]'"):
        measure([])
