"""The list of allowed functions: what is a pattern, and what each has."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from djq_core.conf import AllowList, Refused
from djq_core.conf.allowing import Patterns

LIST = AllowList.of(["shop.tasks.*", "shop.mail.Mailer.send", "math.floor"])


@pytest.mark.parametrize("path", ["shop.tasks.send", "shop.tasks.Mailer", "shop.mail.Mailer.send", "math.floor"])
def test_what_is_on_the_list(path: str) -> None:
    assert LIST.allows(path)


@pytest.mark.parametrize(
    "path",
    [
        "os.system",
        "subprocess.run",
        "shop.tasks.os.system",
        "shop.tasks.Mailer.send",
        "shop.tasks._private",
        "shop.tasks.__getattr__",
        "shop.tasks",
        "shop.mail.Mailer.send.__globals__",
        "shop.mail.Mailer",
        "xshop.tasks.send",
        "shop.tasks..send",
        "shop_tasks.send",
        "math.floor.__call__",
        "math",
        "floor",
        "*",
        "",
    ],
)
def test_what_is_not(path: str) -> None:
    assert not LIST.allows(path)


def test_an_asterisk_has_only_what_its_module_defines() -> None:
    own = AllowList.of([f"{__name__}.*"])
    assert own.has_home(f"{__name__}.test_what_is_not", test_what_is_not)
    assert own.has_home(f"{__name__}.LocalTask", LocalTask)
    for name, function in (("system", os.system), ("run", subprocess.run), ("AllowList", AllowList), ("len", len)):
        assert own.allows(f"{__name__}.{name}")
        assert not own.has_home(f"{__name__}.{name}", function)
    assert AllowList.of([f"{__name__}.system"]).has_home(f"{__name__}.system", os.system)


class LocalTask: ...


def test_patterns_are_read() -> None:
    assert Patterns().read(["shop.tasks.*", "math.floor"]) == AllowList(
        frozenset({"math.floor"}), frozenset({"shop.tasks"})
    )
    assert not Patterns().read([]).allows("math.floor")
    hash(Patterns().read(("a.b",)))


@pytest.mark.parametrize(
    "pattern", ["*", "shop", "shop.*.send", "shop.**", "shop.t*", "shop..a", "shop.tasks.", "a b.c"]
)
def test_what_is_no_pattern_is_refused_and_not_shown(pattern: Any) -> None:
    with pytest.raises(Refused) as caught:
        Patterns().read(["math.floor", pattern])
    assert caught.value.found == "a list with a text that is none"
