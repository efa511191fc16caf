"""Fault points: harmless unless a test asks for them and pays for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from djq_core.cluster.faults import Faults
from djq_core.exceptions import ConfigurationError


def test_nothing_is_asked_for_by_default() -> None:
    faults = Faults.parse("")
    assert faults == Faults()
    faults.hit("monitor.before_save")


def test_points_and_folder_are_read(tmp_path: Path) -> None:
    faults = Faults.parse(f"a.one:kill, b.two:killpg@{tmp_path}")
    assert faults == Faults({"a.one": "kill", "b.two": "killpg"}, tmp_path)


@pytest.mark.parametrize("text", ["a.one", "a.one:", "b.two:kill, a.one:stop"])
def test_a_point_without_a_way_to_die_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"say how 'a\.one' dies"):
        Faults.parse(f"{text}@{tmp_path}")


@pytest.mark.parametrize("text", ["a.one:kill", "a.one:kill@", "a.one:kill@/no/such/folder"])
def test_points_without_a_budget_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="set DJQ_FAULT_BUDGET to a folder, or unset both"):
        Faults.parse(text)


def test_a_point_that_was_not_asked_for_spends_nothing(tmp_path: Path) -> None:
    (tmp_path / "1").touch()
    Faults.parse(f"a.one:kill@{tmp_path}").hit("b.two")
    assert (tmp_path / "1").exists()


def test_a_point_without_budget_left_is_passed(tmp_path: Path) -> None:
    Faults.parse(f"a.one:kill@{tmp_path}").hit("a.one")
