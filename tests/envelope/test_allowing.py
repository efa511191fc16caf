"""What the list of allowed functions does not have is refused in words that help."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from djq_core.conf import AllowList
from djq_core.envelope import TaskPackage, check_allowed, check_home, check_path, new_id
from djq_core.envelope.package import FUNC, HOOK
from djq_core.exceptions import FunctionNotAllowed
from tests.making import START

LIST = AllowList.of(["math.*"])
PACKAGE = TaskPackage(id=new_id(), name="one", func="math.floor", hook="math.pow", started=START)


def test_what_is_on_the_list_passes_and_without_a_list_everything() -> None:
    check_allowed(LIST, PACKAGE, FUNC, HOOK)
    check_allowed(LIST, replace(PACKAGE, hook=None), FUNC, HOOK)
    check_allowed(None, replace(PACKAGE, func="os.system", parts={"func": b"x"}), FUNC, HOOK)
    check_path(LIST, None, "hook")
    check_home(None, "math.system", os.system)


def test_what_is_not_is_named_with_the_remedy() -> None:
    with pytest.raises(FunctionNotAllowed, match=r"The function 'os\.system' is not allowed here: `allowed_functions`"):
        check_allowed(LIST, replace(PACKAGE, func="os.system"), FUNC, HOOK)
    with pytest.raises(FunctionNotAllowed, match=r"The hook 'math\.os\.system' is not allowed"):
        check_allowed(LIST, replace(PACKAGE, hook="math.os.system"), FUNC, HOOK)
    with pytest.raises(
        FunctionNotAllowed, match=r"'math\.system' is not allowed here: it was imported there from 'posix'"
    ):
        check_home(LIST, "math.system", os.system)


@pytest.mark.parametrize("name", [FUNC, HOOK])
def test_a_callable_that_travels_as_itself_is_on_no_list_whatever_it_is_called(name: str) -> None:
    with pytest.raises(FunctionNotAllowed, match="has no dotted path"):
        check_allowed(LIST, replace(PACKAGE, parts={name: b"x"}), FUNC, HOOK)


def test_an_empty_list_has_nothing() -> None:
    with pytest.raises(FunctionNotAllowed):
        check_allowed(AllowList.of([]), PACKAGE, FUNC)
