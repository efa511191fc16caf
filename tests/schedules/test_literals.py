"""The arguments of a schedule: literals and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from djq_core.schedules.literals import read_args, read_kwargs


@pytest.mark.parametrize(
    ("text", "args"),
    [
        (None, ()),
        ("", ()),
        ("  ", ()),
        ("2, -2", (2, -2)),
        ("'a, b', [1, (2,)], {'x': None}", ("a, b", [1, (2,)], {"x": None})),
        ("1,", (1,)),
        ("1 # a comment", (1,)),
        ("(1, 2)", ((1, 2),)),
    ],
)
def test_arguments_are_read(text: str | None, args: tuple[Any, ...]) -> None:
    assert read_args(text) == args


@pytest.mark.parametrize(
    ("text", "kwargs"),
    [
        (None, {}),
        ("", {}),
        ("a=1, b='x'", {"a": 1, "b": "x"}),
        ("{'a': 1, 'b c': 2}", {"a": 1, "b c": 2}),
        ("q_options={'group': 'g'}", {"q_options": {"group": "g"}}),
    ],
)
def test_keyword_arguments_are_read(text: str | None, kwargs: dict[str, Any]) -> None:
    assert read_kwargs(text) == kwargs


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a=1", "hold a keyword"),
        ("**{'a': 1}", "hold a keyword"),
        ("name", "'name' is not a Python literal"),
        ("1, open('/etc/passwd')", r"open\('/etc/passwd'\).* is not a Python literal"),
        ("*[1]", "is not a Python literal"),
        ("1 +", "cannot be read"),
        ("1); f(2", "cannot be read"),
        ("1) + f(2", "is not a list of arguments"),
        ("1)(2", "is not a list of arguments"),
    ],
)
def test_what_is_no_argument_is_told(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_args(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1", "must have the form name=value"),
        ("{'a': 1}, b=2", "must have the form name=value"),
        ("**{'a': 1}", "must have the form name=value"),
        ("{1: 2}", "must have the form name=value"),
        ("a=f()", r"'f\(\)' is not a Python literal"),
        ("a=", "cannot be read"),
        ("a=1, a=2", "hold a name twice"),
    ],
)
def test_what_is_no_keyword_argument_is_told(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_kwargs(text)
