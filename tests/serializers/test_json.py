"""JSON: plain values only, nothing changed on the way without a word."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from djq_core.exceptions import SerializationError
from djq_core.serializers import JsonSerializer


@pytest.mark.parametrize(
    "value", [None, True, 0, -1.5, "Grüße \U0001f600", "\ud800", [1, [2]], {"a": {"b": []}}, 10**400]
)
def test_a_plain_value_comes_back_equal(value: object) -> None:
    serializer = JsonSerializer()
    assert serializer.loads(serializer.dumps(value)) == value


def test_a_tuple_comes_back_as_a_list() -> None:
    serializer = JsonSerializer()
    assert serializer.loads(serializer.dumps(((1, 2), {"a": (3,)}))) == [[1, 2], {"a": [3]}]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (datetime(2026, 1, 2, tzinfo=UTC), "datetime is not JSON serializable"),
        ({"a": {1, 2}}, "set is not JSON serializable"),
        (float("nan"), "Out of range float"),
        ({"a": [{1: "one"}]}, "the key 1 is of type int, JSON has keys of type str"),
        (b"bytes", "bytes is not JSON serializable"),
    ],
)
def test_the_error_names_type_and_reason(value: object, reason: str) -> None:
    with pytest.raises(SerializationError, match=reason) as caught:
        JsonSerializer().dumps(value)
    assert f"type {type(value).__qualname__!r} cannot be written as JSON" in str(caught.value)


def test_a_bottomless_value_is_no_crash() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(SerializationError, match="nested too deeply for JSON"):
        JsonSerializer().dumps(loop)


def test_damaged_bytes_raise_a_value_error() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        JsonSerializer().loads(b"{")
