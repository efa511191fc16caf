"""The option keywords of async_task."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from djq_core.brokers import Broker
from djq_core.enqueue.options import NAMES, Options
from djq_core.tasks.options import pick_options


def test_options_are_picked_out_and_the_rest_is_the_functions() -> None:
    broker = Broker()
    given: dict[str, Any] = {
        "hook": "hooks.done",
        "group": "g",
        "save": False,
        "timeout": 1.5,
        "ack_failure": True,
        "max_attempts": 3,
        "backoff": [1, 5],
        "sync": False,
        "cached": 60,
        "broker": broker,
        "task_name": "n",
        "cluster": "c",
        "enqueue_on_commit": "default",
    }
    assert set(given) == set(NAMES)
    options, rest = pick_options({**given, "x": 1, "name": "mine", "id": 2})
    assert options == Options(**given)
    assert rest == {"x": 1, "name": "mine", "id": 2}


def test_q_options_override_and_leave_their_keywords_to_the_function() -> None:
    options, rest = pick_options(
        {"timeout": 5, "group": "direct", "hook": 7, "q_options": {"group": "chosen", "hook": "a.b"}}
    )
    assert (options.group, options.hook, options.timeout) == ("chosen", "a.b", 5)
    assert rest == {"group": "direct", "hook": 7}


def test_no_options_at_all() -> None:
    assert pick_options({"q_options": None, "a": 1}) == (Options(), {"a": 1})


@pytest.mark.parametrize("group", [7, UUID(int=7)])
def test_a_group_may_be_what_a_label_can_be_made_of(group: Any) -> None:
    assert pick_options({"group": group})[0].group == str(group)


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"timeout": -1}, ValueError, "timeout takes seconds above 0, not -1"),
        ({"timeout": 0}, ValueError, "timeout"),
        ({"timeout": float("nan")}, ValueError, "timeout"),
        ({"timeout": float("inf")}, ValueError, "timeout"),
        ({"timeout": "5"}, TypeError, "timeout takes seconds, not '5'"),
        ({"timeout": True}, TypeError, "timeout"),
        ({"group": "g" * 101}, ValueError, "group is 101 characters long; 100 are allowed"),
        ({"group": "g\x00"}, ValueError, "NUL"),
        ({"task_name": "n" * 101}, ValueError, "task_name is 101 characters"),
        ({"task_name": 7}, TypeError, "task_name takes a text"),
        ({"cluster": "c" * 101}, ValueError, "cluster"),
        ({"hook": 7}, TypeError, "hook must be a callable or its dotted path, not 7"),
        ({"hook": "done"}, ValueError, "hook 'done' is no dotted path"),
        ({"hook": "hooks..done"}, ValueError, "no dotted path"),
        ({"hook": "hooks.do it"}, ValueError, "no dotted path"),
        ({"hook": "hooks." + "d" * 256}, ValueError, "256 are allowed"),
        ({"save": 1}, TypeError, "save takes True or False, not 1"),
        ({"ack_failure": "yes"}, TypeError, "ack_failure takes True or False"),
        ({"sync": 0}, TypeError, "sync takes True or False"),
        ({"cached": -1}, ValueError, "cached takes seconds from 0 on"),
        ({"cached": 1.5}, TypeError, "cached takes True, False or seconds"),
        ({"broker": "redis"}, TypeError, "broker takes a broker instance"),
        ({"q_options": "group"}, TypeError, "q_options takes a dictionary"),
        ({"q_options": {"grup": 1}}, TypeError, "no option 'grup'. Did you mean 'group'?"),
        ({"q_options": {"zzz": 1}}, TypeError, "no option 'zzz'. Options: hook"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        pick_options(given)
    assert text in str(caught.value)
