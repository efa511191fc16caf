"""When the slot after this one is due, in the wall time of the site."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from djq_core.schedules.due import Rule, check_cron

ATHENS = ZoneInfo("Europe/Athens")
GREENWICH = ZoneInfo("UTC")


def at(text: str, zone: ZoneInfo = GREENWICH) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("kind", "slot", "following"),
    [
        ("H", "2026-01-31T23:30", "2026-02-01T00:30"),
        ("D", "2026-02-28T10:00", "2026-03-01T10:00"),
        ("W", "2026-12-28T10:00", "2027-01-04T10:00"),
        ("M", "2026-01-31T10:00", "2026-02-28T10:00"),
        ("M", "2028-01-31T10:00", "2028-02-29T10:00"),
        ("M", "2028-02-29T10:00", "2028-03-29T10:00"),
        ("Q", "2026-11-30T10:00", "2027-02-28T10:00"),
        ("Y", "2028-02-29T10:00", "2029-02-28T10:00"),
        ("Y", "2031-02-28T10:00", "2032-02-28T10:00"),
    ],
)
def test_each_type_has_its_step(kind: str, slot: str, following: str) -> None:
    assert Rule(kind, GREENWICH).after(at(slot)) == at(following)


def test_minutes_have_an_interval_of_their_own() -> None:
    slot = at("2026-01-01T00:00")
    assert Rule("I", GREENWICH, minutes=45).after(slot) == slot + timedelta(minutes=45)
    assert Rule("I", GREENWICH, minutes=0).after(slot) == slot + timedelta(minutes=1)


def test_once_has_no_next_slot() -> None:
    assert Rule("O", GREENWICH).after(at("2026-01-01T00:00")) is None


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
@pytest.mark.parametrize("kind", ["D", "W", "M"])
def test_the_wall_time_stays_when_the_clocks_change(day: str, kind: str) -> None:
    slot = at(f"{day}T09:00", ATHENS).astimezone(UTC)
    following = Rule(kind, ATHENS).after(slot)
    assert following is not None
    assert following.astimezone(ATHENS).hour == 9
    assert following.utcoffset() != slot.astimezone(ATHENS).utcoffset()


@pytest.mark.parametrize(("kind", "step"), [("H", timedelta(hours=1)), ("I", timedelta(minutes=20))])
@pytest.mark.parametrize("night", ["2026-03-29T00:00", "2026-10-25T00:00"])
def test_hours_and_minutes_keep_their_pace_when_the_clocks_change(kind: str, step: timedelta, night: str) -> None:
    slot = at(night).astimezone(ATHENS)
    for count in range(1, 12):
        slot = Rule(kind, ATHENS, minutes=20).after(slot) or slot
        assert slot.astimezone(UTC) == at(night) + count * step


def test_cron_counts_in_the_wall_time_of_the_site() -> None:
    pytest.importorskip("croniter")
    following = Rule("C", ATHENS, cron="30 9 * * *").after(at("2026-01-01T12:00"))
    assert following == at("2026-01-02T09:30", ATHENS)


def test_a_cron_expression_that_cannot_be_read_is_a_value_error() -> None:
    pytest.importorskip("croniter")
    with pytest.raises(ValueError, match="columns"):
        Rule("C", GREENWICH, cron="nonsense").after(at("2026-01-01T12:00"))


def test_a_cron_schedule_without_an_expression_says_so() -> None:
    with pytest.raises(ValueError, match="The schedule type Cron needs an expression"):
        Rule("C", GREENWICH).after(at("2026-01-01T12:00"))


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("* * * * * *", "needs 5 fields, not 6: minute, hour, day, month, weekday"),
        ("", "needs an expression"),
        ("60 * * * *", r"cannot be read: .*[^.]\.$"),
        ("@reboot", "'@reboot' is no cron expression: there are @hourly, @daily"),
        ("H H * * *", "cannot be read"),
        ("0 0 30 2 *", "'0 0 30 2 [*]' never comes to a time: failed to find next date"),
    ],
)
def test_a_cron_expression_that_cannot_be_meant_is_told(expression: str, told: str) -> None:
    pytest.importorskip("croniter")
    with pytest.raises(ValueError, match=told):
        check_cron(expression)


def test_a_skipped_wall_time_is_due_after_the_jump_and_comes_back_the_day_after() -> None:
    slots = islice(Rule("D", ATHENS).slots(at("2026-03-28T03:30", ATHENS)), 3)
    moments = [slot.astimezone(UTC).astimezone(ATHENS) for slot in slots]
    assert [f"{moment:%d %H:%M}" for moment in moments] == ["28 03:30", "29 04:30", "30 03:30"]


@pytest.mark.parametrize(
    "rule",
    [
        Rule("I", ATHENS, minutes=7),
        Rule("H", ATHENS),
        Rule("D", ATHENS),
        Rule("M", ATHENS),
        Rule("C", ATHENS, cron="*/20 3 * * *"),
        Rule("C", ATHENS, cron="17 4 1 * *"),
        Rule("C", ATHENS, cron="17 4 1 1 *"),
    ],
    ids=lambda rule: f"{rule.kind} {rule.cron}",
)
@pytest.mark.parametrize("days", [0.01, 0.5, 3, 40, 250])
def test_the_latest_slot_is_the_last_of_all_that_are_due(rule: Rule, days: float) -> None:
    pytest.importorskip("croniter")
    first = rule.after(at("2026-03-01T03:30", ATHENS))
    assert first is not None
    now = first.astimezone(UTC) + timedelta(days=days)
    assert rule.latest(first, now) == list(rule.until(first, now))[-1]
