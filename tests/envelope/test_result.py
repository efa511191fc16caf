"""The result of an attempt is a value, too."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from djq_core.envelope import TaskPackage, TaskResult, new_id
from tests.making import START

PACKAGE = TaskPackage(id=new_id(), name="one", func="a.b", started=START)
RESULT = TaskResult(package=PACKAGE, success=True, stopped=START, result=b"secret", serializer="pickle")


def test_a_result_never_changes() -> None:
    with pytest.raises(FrozenInstanceError):
        RESULT.success = False  # type: ignore[misc]


def test_a_result_is_of_the_first_attempt_and_no_crash_unless_told_otherwise() -> None:
    assert (RESULT.attempt, RESULT.crashed) == (1, False)


def test_the_value_is_not_shown() -> None:
    assert "secret" not in repr(RESULT)
