"""A package is a value: each stage makes the next one."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta
from typing import Any

import pytest

from djq_core.envelope import TaskPackage, new_id
from tests.making import START


def package(**values: Any) -> TaskPackage:
    return TaskPackage(**{"id": new_id(), "name": "one", "func": "a.b", "started": START, **values})


def test_a_package_never_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        package().name = "two"  # type: ignore[misc]


def test_headers_are_added_to_a_new_package() -> None:
    first = package(headers={"a": "1", "b": "1"})
    second = first.with_headers({"b": "2", "c": "3"})
    assert second == replace(first, headers={"a": "1", "b": "2", "c": "3"})
    assert first.headers == {"a": "1", "b": "1"}
    assert first.with_headers({}) is first


def test_each_link_carries_the_rest_of_the_chain() -> None:
    second, third = package(name="second"), package(name="third")
    following = package(chain=(second, third)).next_link()
    assert following == replace(second, chain=(third,))
    last = following.next_link()
    assert last == third
    assert last.next_link() is None


def test_a_link_has_the_headers_of_the_one_before_but_for_our_own() -> None:
    second = package(name="second", headers={"tenant": "own"})
    first = package(chain=(second,), headers={"traceparent": "00-1", "tenant": "theirs", "djq-schedule": "7"})
    following = first.next_link()
    assert following is not None
    assert following.headers == {"traceparent": "00-1", "tenant": "own"}


def test_a_finished_package_is_a_result() -> None:
    one, stopped = package(), START + timedelta(seconds=1)
    result = one.finished(b"8", stopped, success=True, serializer="json", attempt=3, crashed=True)
    assert result.package is one
    assert (result.result, result.stopped, result.success) == (b"8", stopped, True)
    assert (result.serializer, result.attempt, result.crashed) == ("json", 3, True)


def test_receivers_are_told_everything_that_was_asked_for() -> None:
    told = package(headers={"a": "1"}, group="g", timeout=2.0).as_dict((1, 2), {"x": 3})
    assert (told["args"], told["kwargs"], told["group"], told["timeout"]) == ((1, 2), {"x": 3}, "g", 2.0)
    inner = {"place", "chain_id", "goes_on", "chain", "serializer", "parts"}
    assert set(told) == {field.name for field in fields(TaskPackage)} - inner | {"args", "kwargs", "size"}


def test_what_receivers_do_to_their_dictionary_changes_no_package() -> None:
    kwargs, one = {"x": 3}, package(headers={"a": "1"})
    told = one.as_dict((), kwargs)
    told["headers"]["a"] = told["kwargs"]["x"] = "changed"
    assert (one.headers, kwargs) == ({"a": "1"}, {"x": 3})


def test_arguments_are_not_shown() -> None:
    assert "secret" not in repr(package(parts={"args": b"secret"}))
