"""Pickle: what comes back, and what an author reads when something cannot be sent."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from djq_core.exceptions import SerializationError
from djq_core.serializers import PickleSerializer


class Unwilling:
    def __reduce__(self) -> Any:
        raise MemoryError


@pytest.mark.parametrize(
    "value",
    [
        None,
        (1, 2),
        {"a": {1, 2}},
        Decimal("1.10"),
        datetime(2026, 1, 2, tzinfo=UTC),
        "\ud800",
        b"\x00\xff",
        10**400,
        len,
    ],
)
def test_a_value_comes_back_equal_and_of_its_type(value: object) -> None:
    serializer = PickleSerializer()
    found = serializer.loads(serializer.dumps(value))
    assert found == value
    assert type(found) is type(value)


def test_protocol_is_five_whatever_the_python() -> None:
    assert PickleSerializer().dumps(1)[:2] == b"\x80\x05"


class Basket:
    """A class that a test moves."""


@pytest.mark.parametrize(
    ("module", "kind", "told"),
    [("tests.serializers.gone", ModuleNotFoundError, "tests.serializers.gone"), (__name__, AttributeError, "Trolley")],
)
def test_a_class_that_was_moved_or_renamed_is_not_found(module: str, kind: type[Exception], told: str) -> None:
    data = PickleSerializer().dumps(Basket())
    name = "Trolley" if module == __name__ else "Basket"
    moved = data.replace(_text(__name__), _text(module)).replace(_text("Basket"), _text(name))
    moved = moved[:3] + (len(moved) - 11).to_bytes(8, "little") + moved[11:]
    with pytest.raises(kind, match=told):
        PickleSerializer().loads(moved)


def _text(text: str) -> bytes:
    """Return a short text as a pickle has it."""
    return b"\x8c" + bytes([len(text)]) + text.encode()


def test_the_error_names_type_and_reason() -> None:
    with pytest.raises(
        SerializationError, match=r"type 'lock' cannot be pickled: TypeError: cannot pickle '_thread.lock'"
    ):
        PickleSerializer().dumps(threading.Lock())


def test_a_function_without_a_path_is_refused() -> None:
    with pytest.raises(SerializationError, match=r"type 'function' cannot be pickled: .*lambda"):
        PickleSerializer().dumps(lambda: None)


def test_the_cause_is_kept() -> None:
    with pytest.raises(SerializationError) as caught:
        PickleSerializer().dumps(threading.Lock())
    assert isinstance(caught.value.__cause__, TypeError)


def test_a_bottomless_value_is_no_crash() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(SerializationError, match="'list' is nested too deeply for pickle"):
        PickleSerializer().dumps(deep)


def test_no_memory_is_told_as_such() -> None:
    with pytest.raises(SerializationError, match="'Unwilling' is too large"):
        PickleSerializer().dumps(Unwilling())
