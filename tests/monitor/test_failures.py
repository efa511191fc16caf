"""The newest failures: nothing but their errors is opened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from djq_core.envelope import new_id
from djq_core.fields import Sealed
from djq_core.models import Task
from djq_core.monitor.failures import newest

pytestmark = pytest.mark.django_db


def add(name: str, result: Any, *, minutes: float = 0, success: bool = False) -> None:
    now = timezone.now() - timedelta(minutes=minutes)
    values = {"name": name, "func": "a.b", "started": now, "stopped": now, "attempt_count": 2, "cluster": "main"}
    Task.objects.create(id=new_id(), args=Exploding(), result=result, success=success, **values)


class Exploding:
    """A value that must not be loaded."""

    def __reduce__(self) -> Any:
        return (explode, ())


def explode() -> None:
    raise AssertionError("The arguments of a task were loaded.")


def test_the_newest_come_first_with_the_first_line_of_their_error() -> None:
    add("old", "ValueError: first\nTraceback …\n", minutes=5)
    add("new", "\n  KeyError: 'x'  \nmore")
    add("fine", "no failure", success=True)
    found = newest()
    assert [(each.name, each.error) for each in found] == [("new", "KeyError: 'x'"), ("old", "ValueError: first")]
    assert (found[0].func, found[0].attempts, found[0].cluster) == ("a.b", 2, "main")


def test_no_more_are_read_than_are_asked_for() -> None:
    for number in range(4):
        add(f"n{number}", "E", minutes=number)
    assert [each.name for each in newest(2)] == ["n0", "n1"]


def test_an_error_is_not_longer_than_a_few_lines() -> None:
    add("long", "x" * 10_000)
    assert len(newest()[0].error) == 500


def test_an_error_that_is_missing_or_cannot_be_read_is_told() -> None:
    add("none", None)
    assert newest()[0].error == ""
    add("foreign", Sealed("changed"), minutes=-1)
    assert "cannot be read" in newest()[0].error
