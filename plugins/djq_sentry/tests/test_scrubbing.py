"""What is shown of the arguments of a task."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sentry_sdk

from djq_core import current, hookimpl
from djq_core.plugins.masking import HIDDEN
from djq_sentry.events import FILTERED, context_of
from djq_sentry.scrubbing import MOST, shown_arguments

HERE = __name__


def pay(card: str, pin_code: int, /, secret: str, *tokens: str, note: str = "") -> None:
    """Stand for a function of the site."""


class Awkward(dict[str, Any]):
    """Raises when it is looked at."""

    def items(self) -> Any:
        raise RuntimeError("not yours")


def shown(*args: Any, func: str = f"{HERE}.pay", **kwargs: Any) -> tuple[Any, Any]:
    told = shown_arguments({"func": func, "args": args, "kwargs": kwargs})
    return told["args"], told["kwargs"]


def test_arguments_are_masked_by_the_names_of_their_parameters() -> None:
    args, kwargs = shown("4111", 99, "s", "t1", "t2", note="n", api_key="k")
    assert args == ["4111", 99, HIDDEN, HIDDEN, HIDDEN]
    assert kwargs == {"note": "n", "api_key": HIDDEN}


@pytest.mark.parametrize("func", ["nowhere.at_all", "builtins.dict", "sys.path", "", "None"])
def test_a_function_that_is_not_known_here_is_not_looked_for(func: str) -> None:
    assert shown("a", 1, func=func) == (["a", 1], {})


def test_secrets_are_masked_at_any_depth_and_in_uris() -> None:
    args, kwargs = shown(
        {"user": {"password": "p", "name": "ada"}}, ["redis://me:pw@host/0"], config={"list": [{"token": "t"}]}
    )
    assert args == [{"user": {"password": HIDDEN, "name": "ada"}}, [f"redis://{HIDDEN}@host/0"]]
    assert kwargs == {"config": {"list": [{"token": HIDDEN}]}}


def test_what_is_long_deep_or_odd_is_named() -> None:
    deep: list[Any] = []
    deep.append(deep)
    odd = ("x" * 10_000, list(range(10**6)), deep, b"12", 1 << 100, object(), {2}, None, 1.5)
    args, _ = shown(*odd, func="nowhere.at_all")
    assert len(args[0]) < 600
    assert args[1] == [*range(MOST), f"… {10**6 - MOST} more"]
    assert args[2] == [[["<list>"]]]
    assert args[3:] == ["<2 bytes>", "<int>", "<object>", [2], None, 1.5]
    assert shown(*range(30))[0][MOST:] == ["… 20 more"]
    assert shown(**{f"k{n}": n for n in range(30)})[1]["…"] == "20 more"


def test_plugins_are_asked_for_each_name() -> None:
    class Hiding:
        @hookimpl
        def djq_redact(self, key: str, value: object) -> str | None:
            return "one of ours" if key == "card" else None

    hooks = current.runtime().hooks
    hooks.register(Hiding(), "hiding")
    try:
        assert shown("4111", 1) == (["one of ours", 1], {})
    finally:
        current.app_config()._forget(setting="Q_CLUSTER")


@contextmanager
def options(**given: Any) -> Iterator[None]:
    scope = sentry_sdk.get_global_scope()
    before = scope.client
    scope.set_client(sentry_sdk.Client(default_integrations=False, **given))
    yield
    scope.set_client(before)


def context(**task: Any) -> dict[str, Any]:
    return context_of({"func": f"{HERE}.pay", "args": ("4111",), "kwargs": {}, **task})


@pytest.mark.parametrize("given", [{"data_collection": {"queues": False}}, {"send_default_pii": False}])
@pytest.mark.filterwarnings("ignore:The send_default_pii option:DeprecationWarning")
def test_no_arguments_are_sent_where_the_site_says_so(given: dict[str, Any]) -> None:
    with options(**given):
        assert (context()["args"], context()["kwargs"]) == (FILTERED, FILTERED)


def test_they_are_sent_where_it_says_nothing() -> None:
    with options():
        assert context()["args"] == ["4111"]


def test_what_raises_when_it_is_looked_at_is_left_out() -> None:
    told = context(args=(Awkward(a=1),), id="1")
    assert (told["id"], told["args"]) == ("1", "<RuntimeError>")
