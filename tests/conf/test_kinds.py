"""Each kind of value: what it reads, what it refuses, and in which words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.utils.functional import lazystr

from djq_core.conf.kinds import (
    NO_CHOICE,
    OUT_OF_RANGE,
    WRONG_TYPE,
    Choice,
    Flag,
    Kind,
    Names,
    Number,
    Refused,
    Tables,
    Text,
    TimeZone,
)

WHOLE = Number(is_whole=True, at_least=1)
OPEN = Number(above=0, below=60, unit="seconds")
FLAG_OR_NUMBER = Number(is_whole=True, at_least=0, unit="seconds", or_flag=True)
COLOR = Choice(names=lambda: ("red", "Green"))


def refused(kind: Kind, value: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        kind.read(value)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Flag(), True),
        (Flag(), False),
        (WHOLE, 1),
        (WHOLE, 10**400),
        (OPEN, 0.01),
        (OPEN, 59),
        (Number(at_least=0), 0),
        (Number(at_least=0, or_none=True), None),
        (FLAG_OR_NUMBER, True),
        (FLAG_OR_NUMBER, 60),
        (Text(), "default"),
        (Text(longest=7), "default"),
        (Text(is_dotted=True), "my_app.broker.CustomBroker2"),
        (COLOR, "Green"),
        (TimeZone(), "Europe/Amsterdam"),
        (Names(), ("a",)),
        (Tables(), {"sentry": {"dsn": 1}}),
    ],
)
def test_a_right_value_is_kept(kind: Kind, value: Any) -> None:
    read = kind.read(value)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        (Flag(), 1, WRONG_TYPE),
        (Flag(), "no", WRONG_TYPE),
        (Flag(), None, WRONG_TYPE),
        (WHOLE, True, WRONG_TYPE),
        (WHOLE, 1.0, WRONG_TYPE),
        (WHOLE, "8", WRONG_TYPE),
        (WHOLE, None, WRONG_TYPE),
        (WHOLE, 0, OUT_OF_RANGE),
        (OPEN, Decimal(1), WRONG_TYPE),
        (OPEN, 0, OUT_OF_RANGE),
        (OPEN, 60, OUT_OF_RANGE),
        (OPEN, float("nan"), OUT_OF_RANGE),
        (Number(above=0), float("inf"), OUT_OF_RANGE),
        (FLAG_OR_NUMBER, -1, OUT_OF_RANGE),
        (FLAG_OR_NUMBER, 1.5, WRONG_TYPE),
        (Text(), b"default", WRONG_TYPE),
        (Text(), lazystr("later"), WRONG_TYPE),
        (Text(), " ", OUT_OF_RANGE),
        (Text(longest=3), "four", OUT_OF_RANGE),
        (Text(is_dotted=True), "CustomBroker", OUT_OF_RANGE),
        (Text(is_dotted=True), "app.2", OUT_OF_RANGE),
        (COLOR, 5, WRONG_TYPE),
        (COLOR, "blue", NO_CHOICE),
        (TimeZone(), 1, WRONG_TYPE),
        (TimeZone(), "Mars/Olympus", NO_CHOICE),
        (TimeZone(), "Europe", NO_CHOICE),
        (TimeZone(), "../etc/passwd", NO_CHOICE),
        (TimeZone(), "", NO_CHOICE),
        (Names(), "pickle", WRONG_TYPE),
        (Names(), ["pickle", 1], WRONG_TYPE),
        (Names(), [""], WRONG_TYPE),
        (Tables(), [], WRONG_TYPE),
        (Tables(), {1: {}}, WRONG_TYPE),
        (Tables(), {"a": "dsn"}, WRONG_TYPE),
        (Tables(), {"a": {1: 2}}, WRONG_TYPE),
    ],
)
def test_a_wrong_value_is_refused_with_its_code(kind: Kind, value: Any, code: str) -> None:
    assert refused(kind, value).code == code


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Flag(), "True or False"),
        (WHOLE, "a whole number of at least 1"),
        (OPEN, "a number of seconds above 0 and below 60"),
        (Number(or_none=True), "a number or None"),
        (FLAG_OR_NUMBER, "True, False or a whole number of seconds of at least 0"),
        (Text(), "a text that is not empty"),
        (Text(longest=3), "a text of 1 to 3 characters"),
        (Text(is_dotted=True, or_none=True), "a dotted path as text or None"),
        (COLOR, "one of 'red', 'Green'"),
        (Names(), "a list of texts"),
        (Tables(), "a dictionary of dictionaries by name"),
        (TimeZone(), "the name of a time zone such as 'Europe/Amsterdam'"),
    ],
)
def test_a_kind_says_what_it_accepts(kind: Kind, text: str) -> None:
    assert kind.text == text


def test_a_text_translated_later_is_read_where_it_may_be_one() -> None:
    read = Text(is_lazy=True).read(lazystr("Aufgaben"))
    assert (read, type(read)) == ("Aufgaben", str)


def test_a_collection_is_kept_as_asked() -> None:
    assert Names(into=frozenset).read(["a", "b", "a"]) == frozenset({"a", "b"})
    assert Names().read(["b", "a"]) == ("b", "a")


def test_what_was_given_may_change_afterwards() -> None:
    given = {"sentry": {"environment": "old"}}
    read = Tables().read(given)
    given["sentry"]["environment"] = "new"
    assert read == {"sentry": {"environment": "old"}}


@pytest.mark.parametrize(("value", "is_told"), [("8", True), (" 0.5 ", True), ("eight", False), ([8], False)])
def test_a_number_as_text_is_recognised(value: Any, is_told: bool) -> None:
    assert ("int()" in refused(WHOLE, value).hint) is is_told


def test_the_nearest_choice_is_proposed() -> None:
    assert refused(COLOR, "green").hint == "Did you mean 'Green'?"
    assert refused(COLOR, "purple").hint == ""


@pytest.mark.parametrize("kind", [Flag(), WHOLE, FLAG_OR_NUMBER, Names(), Tables()])
def test_a_refused_text_is_not_shown(kind: Kind) -> None:
    error = refused(kind, "hunter2")
    assert "hunter2" not in f"{error.found} {error.hint}"


def test_a_refused_dotted_path_is_not_shown() -> None:
    error = refused(Text(is_dotted=True), "redis://:hunter2@host")
    assert "hunter2" not in f"{error.found} {error.hint}"


@pytest.mark.parametrize("table", ["hunter2", ["hunter2"], {1: "hunter2"}])
def test_what_a_refused_table_holds_is_not_shown(table: Any) -> None:
    error = refused(Tables(), {"sentry": table})
    assert "'sentry'" in error.found
    assert "hunter2" not in f"{error.found} {error.hint}"
