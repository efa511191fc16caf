"""What the kernel tells of writes."""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connections

from djq_orm.bells import QUICK_TICK, VersionBell
from djq_orm.stirring import Stirring
from djq_orm.stores import store_for

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has inotify")


def test_a_write_to_one_of_the_files_is_told_and_no_other(tmp_path: Path) -> None:
    stirring = Stirring(tmp_path, ("queue", "queue-wal"))
    try:
        assert not stirring.wait(0)
        (tmp_path / "other").write_bytes(b"x")
        assert not stirring.wait(0.5)
        for name in ("queue-wal", "queue", "queue-wal"):
            (tmp_path / name).write_bytes(b"x")
            assert stirring.wait(5)
            (tmp_path / name).unlink()
        assert not stirring.wait(0)
    finally:
        stirring.close()


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Stirring(tmp_path / "nowhere", ("queue",))


class Told(Stirring):
    """A kernel that tells of a write with every pause, the first of which is a commit too."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    def wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return True

    def close(self) -> None:
        self.pauses.append(-1.0)


def test_a_bell_looks_at_once_when_a_write_is_told() -> None:
    told = Told()
    bell = VersionBell(lambda: bool(told.pauses), lambda: told)
    bell.arm()
    time.sleep(20 * QUICK_TICK)
    assert bell.wait(30) == 0.0
    (pause,) = told.pauses
    assert pause > QUICK_TICK
    bell.close()
    bell.close()
    assert told.pauses == [pause, -1.0]


def test_after_a_write_that_is_no_commit_yet_a_bell_looks_more_often() -> None:
    told, looks = Told(), []

    def version() -> int:
        looks.append(1)
        return 7

    bell = VersionBell(version, lambda: told)
    bell.arm()
    time.sleep(1)
    assert bell.wait(10 * QUICK_TICK) is None
    assert told.pauses == [pytest.approx(10 * QUICK_TICK, abs=QUICK_TICK)]
    assert len(looks) > 3


def test_the_bell_of_a_store_is_told_of_its_file(sqlite_alias: str) -> None:
    store = store_for(sqlite_alias)
    store.prepare()
    bell = store.bell("main")
    bell.arm()
    try:
        assert isinstance(bell, VersionBell)
        assert bell.is_told
        assert bell.wait(0) is None
        with closing(sqlite3.connect(connections[sqlite_alias].settings_dict["NAME"])) as other:
            other.execute("CREATE TABLE stirred (id integer)")
            other.commit()
        assert bell.wait(5) == 0.0
    finally:
        bell.close()
        connections[sqlite_alias].close()
