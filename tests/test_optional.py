"""What works with the optional libraries, and what is said without them."""

from __future__ import annotations

import logging
import os
import sys

import pytest

from djq_core import optional


@pytest.fixture
def without_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Python refuse to import psutil, as if it were not installed."""
    monkeypatch.setitem(sys.modules, "psutil", None)


@pytest.fixture
def without_croniter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Python refuse to import croniter."""
    monkeypatch.setitem(sys.modules, "croniter", None)


def test_an_installed_library_is_returned() -> None:
    psutil = pytest.importorskip("psutil")
    assert optional.psutil() is psutil
    assert optional.has("psutil")


@pytest.mark.usefixtures("without_psutil")
def test_a_missing_psutil_says_what_to_install() -> None:
    assert not optional.has("psutil")
    with pytest.raises(ImportError, match=r"pip install 'djq-core\[psutil\]'") as caught:
        optional.psutil()
    assert caught.value.name == "psutil"


@pytest.mark.usefixtures("without_croniter")
def test_a_missing_croniter_says_what_to_install() -> None:
    with pytest.raises(ImportError, match=r"A cron schedule needs .*pip install 'djq-core\[cron\]'"):
        optional.croniter()


def test_the_libraries_that_draw_are_asked_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual", None)
    with pytest.raises(ImportError, match=r"textual.*pip install 'djq-core\[monitor\]'"):
        optional.terminal()


def test_a_library_that_does_not_exist_is_not_there() -> None:
    assert not optional.has("no_such_library_anywhere")


def test_processors_are_counted_as_the_host_does() -> None:
    assert optional.cpu_count() == (os.cpu_count() or 4)


# Memory


def _rss_grows_with(size: int) -> bool:
    before = optional.rss_kib()
    kept = b"x" * size
    return optional.rss_kib() - before > len(kept) // 1024 // 2


def test_the_memory_of_this_process_is_measured_in_kib() -> None:
    pytest.importorskip("psutil")
    assert optional.can_measure_memory()
    assert 5_000 < optional.rss_kib() < 20_000_000
    assert _rss_grows_with(64 * 1024 * 1024)


@pytest.mark.usefixtures("without_psutil")
def test_without_psutil_the_peak_is_measured() -> None:
    pytest.importorskip("resource")
    assert optional.can_measure_memory()
    assert 5_000 < optional.rss_kib() < 20_000_000


@pytest.mark.usefixtures("without_psutil")
def test_without_psutil_and_resource_no_memory_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert not optional.can_measure_memory()
    assert optional.rss_kib() == 0


# Processors: the tables of the manual, 1.2.33


@pytest.mark.parametrize(
    ("processors", "count", "expected"),
    [
        (4, 1, [[0], [1], [2], [3]]),
        (4, 2, [[0, 1], [2, 3], [0, 1], [2, 3]]),
        (8, 3, [[0, 1, 2], [3, 4, 5], [6, 7, 0], [1, 2, 3], [4, 5, 6], [7, 0, 1], [2, 3, 4], [5, 6, 7]]),
        (2, 2, [[0, 1], [0, 1]]),
        (2, 5, [[0, 1], [0, 1]]),
    ],
)
def test_processors_are_dealt_round(processors: int, count: int, expected: list[list[int]]) -> None:
    slots = range(1, len(expected) + 1)
    assert [optional.processors_for(slot, count, range(processors)) for slot in slots] == expected


def test_processors_that_this_process_may_not_use_are_not_dealt() -> None:
    assert optional.processors_for(2, 1, [3, 7]) == [7]


def test_a_process_is_bound_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("psutil")
    if not optional.can_set_cpu_affinity():
        pytest.skip("This platform binds no process to processors.")
    before = os.sched_getaffinity(0)
    try:
        with caplog.at_level(logging.INFO, logger="djq"):
            optional.set_cpu_affinity(1, 1, "Process-1:1")
        assert os.sched_getaffinity(0) == {min(before)}
    finally:
        os.sched_setaffinity(0, before)
    assert f"Process-1:1 will use cpu [{min(before)}]" in caplog.messages


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="This platform does not tell the processors.")
@pytest.mark.usefixtures("without_psutil")
def test_without_psutil_a_worker_keeps_every_processor() -> None:
    before = os.sched_getaffinity(0)
    assert not optional.can_set_cpu_affinity()
    optional.set_cpu_affinity(1, 1, "Process-1:1")
    assert os.sched_getaffinity(0) == before
