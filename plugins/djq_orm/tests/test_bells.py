"""What rings, and when."""

from __future__ import annotations

import time
from types import SimpleNamespace

from django.db import connections

from djq_orm.bells import TICK, IntervalBell, ListenBell, VersionBell, notifications


def notify(alias: str, channel: str, payload: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])


def test_an_interval_bell_only_sleeps() -> None:
    bell = IntervalBell(0.5)
    bell.arm()
    began = time.monotonic()
    assert bell.wait(0.1) is None
    assert time.monotonic() - began >= 0.1
    assert bell.interval == 0.5
    bell.close()


def test_a_version_bell_rings_once_for_a_change() -> None:
    versions = iter([1, 1, 1, 2, 2, 2])
    bell = VersionBell(lambda: next(versions))
    bell.arm()
    assert bell.wait(0) is None
    assert bell.wait(1) == 0.0
    assert bell.wait(0) is None


def test_a_version_bell_ends_in_time() -> None:
    bell = VersionBell(lambda: 1)
    bell.arm()
    began = time.monotonic()
    assert bell.wait(0.15) is None
    assert 0.15 <= time.monotonic() - began < 2


def test_a_file_that_has_just_changed_is_looked_at_more_often() -> None:
    looks: list[int] = []

    def version() -> int:
        looks.append(1)
        return 7

    bell = VersionBell(version)
    bell.arm()
    assert bell.wait(0.2) is None
    assert len(looks) > 2 * 0.2 / TICK


def test_a_listening_bell_tells_the_smallest_delay(postgres_alias: str) -> None:
    bell = ListenBell(postgres_alias, "ring")
    bell.arm()
    bell.arm()
    try:
        assert bell.wait(0) is None
        notify(postgres_alias, "ring", "7.5")
        notify(postgres_alias, "ring", "2.25")
        time.sleep(0.1)
        assert bell.wait(1) == 2.25
        notify(postgres_alias, "other", "")
        assert bell.wait(0.1) is None
        notify(postgres_alias, "ring", "")
        assert bell.wait(1) == 0.0
    finally:
        bell.close()


def test_a_bell_that_does_not_listen_sleeps(postgres_alias: str) -> None:
    bell = ListenBell(postgres_alias, "ring")
    began = time.monotonic()
    assert bell.wait(0.1) is None
    assert time.monotonic() - began >= 0.1
    bell.close()


class OldDriver:
    """A connection of the shape that psycopg2 gives it."""

    def __init__(self, payloads: list[str]) -> None:
        self.arriving = [SimpleNamespace(payload=payload) for payload in payloads]
        self.notifies: list[SimpleNamespace] = []

    def poll(self) -> None:
        self.notifies.extend(self.arriving)
        self.arriving.clear()


def test_both_drivers_are_read() -> None:
    raw = OldDriver(["1.5", ""])
    assert list(notifications(raw)) == ["1.5", ""]
    assert list(notifications(raw)) == []
