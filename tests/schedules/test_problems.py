"""What a form says of each field that cannot be meant."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from djq_core.exceptions import FunctionNotAllowed
from djq_core.models import Schedule
from djq_core.schedules.problems import problems_of


def found(**fields: Any) -> dict[str, str]:
    return problems_of(Schedule(**{"func": "math.pow", "schedule_type": "H", **fields}), lambda path: None)


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"func": "pow"}, "func", "“pow” is no dotted path: write package.module.function."),
        ({"func": "a.class"}, "func", "“a.class” is no dotted path: write package.module.function."),
        ({"hook": "a b.c"}, "hook", "“a b.c” is no dotted path: write package.module.function."),
        ({"args": "John"}, "args", "'John' is not a Python literal. A text stands in quotes: 'John'."),
        ({"args": "1, f()"}, "args", "'f()' is not a Python literal."),
        ({"args": "1 +"}, "args", "'1 +' cannot be read: invalid syntax."),
        ({"args": "a=1"}, "args", "The arguments 'a=1' hold a keyword; it belongs to the keyword arguments."),
        ({"kwargs": "John"}, "kwargs", "The keyword arguments 'John' must have the form name=value."),
        ({"kwargs": "a=1, a=2"}, "kwargs", "a=1, a=2"),
        ({"schedule_type": "I"}, "minutes", "Say how many minutes pass between two runs"),
        ({"schedule_type": "C"}, "cron", "needs an expression: minute, hour, day, month, weekday"),
        ({"schedule_type": "C", "cron": "1 2"}, "cron", "'1 2' needs 5 fields, not 2"),
        ({"schedule_type": "C", "cron": "99 * * * *"}, "cron", "The cron expression '99 * * * *' cannot be read"),
        ({"intended_date_kwarg": "due date"}, "intended_date_kwarg", "cannot be the name of a keyword argument"),
    ],
)
def test_each_field_has_its_message(fields: dict[str, Any], field: str, message: str) -> None:
    pytest.importorskip("croniter")
    problems = found(**fields)
    assert set(problems) == {field}
    assert message in problems[field]


def test_what_can_be_meant_has_none() -> None:
    assert found(args="1, 'John', [2]", kwargs="{'a b': 1}", hook="hooks.done", intended_date_kwarg="due") == {}
    assert found(cron="nonsense", minutes=0) == {}


def test_a_function_that_is_not_allowed_is_told() -> None:
    def refuse(path: str) -> None:
        raise FunctionNotAllowed

    problems = problems_of(Schedule(func="os.system", schedule_type="H"), refuse)
    assert problems == {
        "func": "“os.system” is not on the list of functions that may run here, allowed_functions in Q_CLUSTER."
    }


def test_a_missing_croniter_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "croniter", None)
    problems = found(schedule_type="C", cron="5 4 * * *")
    assert problems["cron"].endswith("which is not installed: pip install 'djq-core[cron]'.")
