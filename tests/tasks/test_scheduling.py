"""``schedule()`` and ``scheduled()``: what is stored, what is refused."""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import arrow
import pytest
from django.db import IntegrityError
from django.test import override_settings
from django.utils import timezone

from djq_core.models import Schedule
from djq_core.schedules.declared import MARK
from djq_core.schedules.literals import read_args, read_kwargs
from djq_core.tasks import schedule, scheduled

pytestmark = pytest.mark.django_db
NAIVE = datetime(2026, 8, 1, 12)  # noqa: DTZ001 - what is to be refused


def test_a_schedule_is_a_row_with_what_was_given() -> None:
    row = schedule(
        "math.hypot", 3, 4,
        name="triangle", hook="hooks.print_result", schedule_type=Schedule.MINUTES, minutes=5, repeats=24,
        cluster="my_cluster", intended_date_kwarg="when", misfire_policy="latest", overlap_policy="skip",
        q_options={"timeout": 30, "broker_name": "broker_1"}, base=2,
    )  # fmt: skip
    assert isinstance(row, Schedule)
    row = Schedule.objects.get(pk=row.pk)
    assert (row.func, row.hook, row.name, row.cluster) == ("math.hypot", "hooks.print_result", "triangle", "my_cluster")
    assert (row.schedule_type, row.minutes, row.repeats, row.cron) == ("I", 5, 24, None)
    assert (row.intended_date_kwarg, row.misfire_policy, row.overlap_policy) == ("when", "latest", "skip")
    assert read_args(row.args) == (3, 4)
    assert read_kwargs(row.kwargs) == {"base": 2, "q_options": {"timeout": 30, "broker_name": "broker_1"}}


def test_what_is_left_out_is_once_always_now() -> None:
    before = timezone.now()
    row = schedule("math.sqrt", 9)
    assert (row.schedule_type, row.repeats, row.name, row.misfire_policy, row.overlap_policy) == (
        "O",
        -1,
        None,
        "",
        "allow",
    )
    assert row.next_run is not None
    assert before <= row.next_run <= timezone.now()


@pytest.mark.parametrize("kind", [code for code, _ in Schedule.TYPE])
def test_every_type_is_taken(kind: str) -> None:
    pytest.importorskip("croniter")
    assert schedule("math.sqrt", 9, schedule_type=kind, minutes=5, cron="0 22 * * 1-5").schedule_type == kind


@pytest.mark.parametrize("given", [arrow.get(2026, 8, 1, 12), datetime(2026, 8, 1, 12, tzinfo=UTC)])
def test_the_first_run_is_a_datetime_or_an_arrow(given: Any) -> None:
    row = schedule("math.sqrt", 9, next_run=given)
    row.refresh_from_db()
    assert row.next_run == datetime(2026, 8, 1, 12, tzinfo=UTC)


@override_settings(USE_TZ=False, TIME_ZONE="Europe/Athens")
@pytest.mark.parametrize("given", [arrow.get(2026, 8, 1, 9), datetime(2026, 8, 1, 9, tzinfo=UTC), NAIVE])
def test_without_use_tz_the_first_run_is_kept_in_the_sites_zone(given: Any) -> None:
    assert schedule("math.sqrt", 9, next_run=given).next_run == NAIVE


def test_cron_begins_at_its_next_time_unless_told_otherwise() -> None:
    pytest.importorskip("croniter")
    row = schedule("math.sqrt", 9, schedule_type=Schedule.CRON, cron="30 22 * * *")
    assert row.next_run is not None
    assert (row.next_run.hour, row.next_run.minute) == (22, 30)
    assert timedelta() < row.next_run - timezone.now() <= timedelta(days=1)
    at = datetime(2030, 1, 1, 5, tzinfo=UTC)
    assert schedule("math.sqrt", 9, schedule_type=Schedule.CRON, cron="30 22 * * *", next_run=at).next_run == at


@pytest.mark.parametrize(
    "values",
    [
        (),
        (1, -2.5, "text", b"bytes", None, True, 1 + 2j),
        ([1, (2,), {"a": {3}}], 'it\'s "quoted"\n\x00\ud800', set(), -0.0),
    ],
)
def test_literals_survive(values: tuple[Any, ...]) -> None:
    row = schedule("f.f", *values, **{f"k{n}": value for n, value in enumerate(values)})
    assert read_args(row.args) == values
    assert read_kwargs(row.kwargs) == {f"k{n}": value for n, value in enumerate(values)}


def test_keywords_that_are_no_identifiers_survive() -> None:
    kwargs = {"a b": 1, "class": 2, "ﬁ": 3}
    assert read_kwargs(schedule("f.f", **kwargs).kwargs) == kwargs


class Text(str):
    __slots__ = ()


RECURSIVE: list[Any] = []
RECURSIVE.append(RECURSIVE)
LONG = 10**5000  # Python writes no such number


NO_LITERALS = [object(), timezone.now(), Decimal(1), float("nan"), float("inf"), OrderedDict(), Text("x"), [Text("x")]]


@pytest.mark.parametrize("value", [*NO_LITERALS, RECURSIVE, LONG], ids=lambda value: type(value).__name__)
def test_what_is_no_literal_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(TypeError, match="Argument 2 of a schedule must be a Python literal"):
        schedule("f.f", 1, value)
    with pytest.raises(TypeError, match="Argument 'there' of a schedule must be a Python literal"):
        schedule("f.f", 1, here=1, there=value)
    assert not Schedule.objects.exists()


def test_a_name_that_is_taken_is_refused() -> None:
    schedule("math.sqrt", 9, name="nightly")
    with pytest.raises(IntegrityError, match="There is a schedule named 'nightly' already"):
        schedule("math.sqrt", 9, name="nightly")


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"next_run": NAIVE}, ValueError, "next_run is naive .* while USE_TZ is True"),
        ({"next_run": "tomorrow"}, TypeError, "next_run takes a datetime or an Arrow, not 'tomorrow'"),
        ({"schedule_type": "X"}, ValueError, "schedule_type takes one of O, I, H, D, W, M, Q, Y, C, not 'X'"),
        ({"schedule_type": "I"}, ValueError, "needs minutes="),
        ({"minutes": 0}, ValueError, "minutes takes 1 to 32,767, not 0"),
        ({"minutes": "5"}, TypeError, "minutes takes a whole number"),
        ({"schedule_type": "C", "cron": "* * * * * *"}, ValueError, "needs 5 fields, not 6"),
        ({"schedule_type": "C"}, ValueError, "The schedule type Cron needs an expression"),
        ({"cron": 5}, TypeError, "cron takes an expression"),
        ({"repeats": 1.5}, TypeError, "repeats takes a whole number"),
        ({"repeats": True}, TypeError, "repeats takes a whole number"),
        ({"repeats": 2**31}, ValueError, "repeats takes numbers up to 2,147,483,647"),
        ({"hook": print}, TypeError, "The hook of a schedule is a dotted path"),
        ({"hook": "nodots"}, ValueError, "The hook 'nodots' is no dotted path, such as 'shop.tasks.send'.$"),
        ({"name": "x" * 101}, ValueError, "name is 101 characters long; 100 are allowed"),
        ({"name": 5}, TypeError, "name takes a text"),
        ({"cluster": 5}, TypeError, "cluster takes a text"),
        ({"misfire_policy": "none"}, ValueError, "misfire_policy takes one of all, latest, skip, not 'none'"),
        ({"overlap_policy": "none"}, ValueError, "overlap_policy takes one of allow, skip, not 'none'"),
        ({"q_options": 5}, TypeError, "q_options takes a dictionary"),
        ({"q_options": {"tiemout": 5}}, TypeError, "Did you mean 'timeout'"),
        ({"q_options": {"broker": None}}, TypeError, "give broker_name"),
        ({"q_options": {"broker_name": 5}}, TypeError, "broker_name takes the name of a queue"),
        ({"q_options": {"hook": print}}, TypeError, "Argument 'q_options' of a schedule must be a Python literal"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_error(given: dict[str, Any], error: type[Exception], told: str) -> None:
    pytest.importorskip("croniter")
    with pytest.raises(error, match=told):
        schedule("math.sqrt", 9, **given)
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(("func", "error"), [(print, TypeError), ("nodots", ValueError), ("a..b", ValueError)])
def test_a_function_is_a_dotted_path(func: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="function"):
        schedule(func)


# In code


def night() -> None: ...


def test_a_declaration_stands_on_its_function() -> None:
    assert scheduled(1, schedule_type=Schedule.DAILY, key="daily", q_options={"timeout": 5})(night) is night
    (declaration,) = night.__dict__.pop(MARK)
    assert declaration.key == f"{__name__}.night:daily"
    assert (declaration.fields["schedule_type"], declaration.fields["args"]) == ("D", "1")
    assert not Schedule.objects.exists()


def test_a_function_that_no_path_leads_to_is_refused() -> None:
    with pytest.raises(ValueError, match="no dotted path"):
        scheduled()(lambda: None)


@pytest.mark.parametrize("key", [None, "daily"])
def test_two_schedules_of_one_function_have_different_keys(key: str | None) -> None:
    scheduled(schedule_type=Schedule.DAILY, key=key)(night)
    try:
        with pytest.raises(ValueError, match="night has two schedules in code"):
            scheduled(schedule_type=Schedule.HOURLY, key=key)(night)
    finally:
        night.__dict__.pop(MARK)


def test_a_key_fits_into_its_column() -> None:
    with pytest.raises(ValueError, match="256 are allowed"):
        scheduled(schedule_type=Schedule.DAILY, key="k" * 256)(night)
