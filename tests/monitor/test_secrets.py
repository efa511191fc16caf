"""What is secret is not shown."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from djq_core.monitor.secrets import error_text, is_secret, plain, shown, without_secrets


@pytest.mark.parametrize(
    "name",
    ["password", "PASSWD", "db_pwd", "aws_secret_access_key", "aws_access_key_id", "token", "disque_auth", "dsn"],
)
def test_a_name_tells_a_secret(name: str) -> None:
    assert is_secret(name)
    assert shown(name, "s3cret") == "********"
    assert plain([{"deep": {name: "s3cret"}}]) == [{"deep": {name: "********"}}]


@pytest.mark.parametrize("name", ["host", "port", "db", "orm", "redis_receipts", "region", "username"])
def test_other_names_tell_none(name: str) -> None:
    assert shown(name, "open") == "open"


@pytest.mark.parametrize("value", [None, "", True, False])
def test_what_holds_nothing_is_shown(value: object) -> None:
    assert shown("password", value) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://:s3cret@host:6379/0", "redis://********@host:6379/0"),
        ("redis://user:s3c@ret/x@host/0", "redis://********@host/0"),
        ("mongodb://u:s3cret@a:1,b:2/?authSource=admin", "mongodb://********@a:1,b:2/?authSource=********"),
        ("rediss://host/0?password=s3cret&db=1", "rediss://host/0?password=********&db=1"),
        ("host=a password=s3cret dbname=x", "host=a password=******** dbname=x"),
        ("redis://a:1/0", "redis://a:1/0"),
        ("someone@example.org", "someone@example.org"),
        ("AuthenticationError: invalid pair", "AuthenticationError: invalid pair"),
    ],
)
def test_texts_are_shown_without_secrets(text: str, expected: str) -> None:
    assert without_secrets(text) == expected
    assert plain(text) == expected


def test_a_password_in_a_setting_may_hold_anything() -> None:
    assert plain("redis://:s3cret 1\ns3cret@2@host/0") == "redis://********@host/0"


def test_a_sentence_goes_on_after_a_uri() -> None:
    told = "redis://:s3cret@a/0 is away: ask b@c"
    assert without_secrets(told) == "redis://********@a/0 is away: ask b@c"


class Client:
    def __repr__(self) -> str:
        return "Client(s3cret)"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Client(), "<Client>"),
        (b"s3cret", "<bytes>"),
        (Client, "<type>"),
        ({1: (2, 3.5)}, {"1": [2, 3.5]}),
        (frozenset({"b", "a"}), ["a", "b"]),
        ([["redis://:s3cret@h"]], [["redis://********@h"]]),
    ],
)
def test_objects_are_named_and_the_rest_is_json(value: Any, expected: Any) -> None:
    assert plain(value) == expected


@pytest.mark.parametrize(
    "location",
    [
        "redis://:s3c#ret99@host:1/0",
        "redis://u:s3c#ret99@host:1/0",
        ["redis://a/0", "redis://:s3c#ret99@host:1/0"],
        "redis://a/0;redis://:ret99/x@host:1/0",
    ],
)
def test_no_piece_of_a_password_of_a_cache_is_quoted(location: object) -> None:
    with override_settings(CACHES={"default": {"BACKEND": "x", "LOCATION": location}}):
        told = error_text(ValueError("Port could not be cast to integer value as 'ret99' of host"))
        assert told == "ValueError: Port could not be cast to integer value as '********' of host"


def test_no_password_in_options_is_quoted() -> None:
    options = {"PASSWORD": "s3c ret", "db_name": "shown"}
    with override_settings(CACHES={"default": {"BACKEND": "x", "LOCATION": "a:1", "OPTIONS": options}}):
        assert without_secrets("'s3c ret' for shown at a:1") == "'********' for shown at a:1"
