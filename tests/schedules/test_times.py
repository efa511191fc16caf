"""Slots as they are stored: with ``USE_TZ`` and without, skipped by the clocks and repeated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from djq_core.conf import Conf
from djq_core.schedules.times import Times, moment_of

ATHENS = "Europe/Athens"


def site(*, use_tz: bool) -> Conf:
    return Conf.from_settings({}, secret_key="key", time_zone=ATHENS, use_tz=use_tz)


def times(kind: str = "D", *, use_tz: bool = True) -> Times:
    return Times.of(kind, 1, "", site(use_tz=use_tz), {})


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("kind", ["D", "H"])
@pytest.mark.parametrize("first", ["2026-03-28T00:30", "2026-10-24T00:30", "2026-10-25T00:30", "2026-10-25T01:30"])
def test_a_slot_that_was_stored_is_read_as_it_was(first: str, kind: str, use_tz: bool) -> None:
    these = times(kind, use_tz=use_tz)
    start = datetime.fromisoformat(first).replace(tzinfo=UTC).astimezone(these.rule.zone)
    for slot in islice(these.rule.slots(start), 40):
        read = these.read(these.stored(slot), slot.isoformat())
        assert (read.isoformat(), read.astimezone(UTC)) == (slot.isoformat(), slot.astimezone(UTC))
        assert moment_of(these.stored(slot), slot.isoformat(), site(use_tz=use_tz)) == read.astimezone(UTC)


def test_without_use_tz_an_hour_that_comes_twice_counts_twice() -> None:
    these = times("H", use_tz=False)
    slot = datetime(2026, 10, 25, 0, 30, tzinfo=UTC).astimezone(these.rule.zone)
    following = these.rule.after(slot)
    assert following is not None
    assert these.stored(slot) == these.stored(following)
    third = these.rule.after(these.read(these.stored(following), following.isoformat()))
    assert third is not None
    assert third.astimezone(UTC) == datetime(2026, 10, 25, 2, 30, tzinfo=UTC)


def test_a_moment_that_was_changed_by_hand_counts_as_it_is() -> None:
    these = times()
    meant = "2026-03-29T03:30:00+02:00"
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert these.read(moment, meant).isoformat() == meant
    later = moment + timedelta(days=1)
    assert these.read(later, meant) == later
