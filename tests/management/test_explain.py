"""``manage.py djq explain`` as its reader sees it."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management.base import CommandError
from django.test import override_settings

from djq_core.tasks import async_task
from tests.monitor.seeding import busy, file_cache, manage, publish

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_site(tmp_path: Path) -> Iterator[None]:
    with override_settings(Q_CLUSTER={"name": "tests", "orm": "default"}, CACHES={"default": file_cache(tmp_path)}):
        yield


def test_the_answer_comes_first_and_the_remedy_last() -> None:
    task_id = str(async_task("math.pow", 2, 3, task_name="a-name"))
    told = (
        f"a-name  math.pow\n{task_id}\n\n"
        "No cluster is alive for the queue 'tests'.\n"
        "  It waits on the queue 'tests', the next one to go.\n\n"
        "  > Start one: python manage.py qcluster\n"
    )
    assert manage("explain", task_id) == (1, told)


def test_what_is_true_beside_it_follows() -> None:
    async_task("math.nothing", task_name="a-name")
    code, told = manage("explain", "a-name")
    assert code == 1
    assert re.search(r"\n\nAlso:\nIts function cannot be run", told)


def test_no_line_is_wider_than_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for number in range(3):
        async_task("math.pow", 2, 3, task_name=f"task-{number}")
    publish(**busy(task_q_size=9, queue_limit=4))
    _code, told = manage("explain", "task-2")
    assert "behind 2 others" in told
    assert max(map(len, told.splitlines())) <= 80


def test_colours_are_there_on_demand_alone() -> None:
    assert "\x1b[" not in manage("explain", "x")[1]
    assert "\x1b[" in manage("--force-color", "explain", "x")[1]
    assert "\x1b[" not in manage("--no-color", "explain", "x")[1]
    assert "\x1b[" in manage("explain", "x", "--force-color")[1]
    assert "\x1b[" in manage("--force-color", "explain", "x", "--verbosity", "2", "--traceback")[1]


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("surroundings", "options", "is_coloured"),
    [
        ({"TERM": "xterm"}, [], True),
        ({"TERM": "xterm"}, ["--no-color"], False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, [], False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, ["--force-color"], True),
        ({"TERM": "dumb"}, [], False),
    ],
)
def test_a_terminal_shows_colours_unless_nobody_wants_them(
    monkeypatch: pytest.MonkeyPatch, surroundings: dict[str, str], options: list[str], is_coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", Tty())
    told = manage("explain", "x", *options)[1]
    assert ("\x1b[" in told) is is_coloured


@pytest.mark.parametrize("depth", ["-5", "9" * 30])
def test_any_depth_is_looked_at(depth: str) -> None:
    code, told = manage("explain", "x", "--depth", depth)
    assert (code, told.splitlines()[0]) == (1, "Nothing is known of a task 'x'.")


def test_what_nobody_can_know_is_a_place_where_it_may_be() -> None:
    with override_settings(CACHES={"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}):
        told = " ".join(manage("explain", "x")[1].split())
        assert "Nobody can tell whether a cluster 'tests' runs. The cache 'default' keeps nothing." in told


def test_no_name_steers_the_terminal() -> None:
    async_task("math.pow", 2, 3, task_name="a\x1b[31m\n\x9b1mname")
    _code, told = manage("explain", "a\x1b[31m\n\x9b1mname")
    assert told.startswith("a�[31m �1mname  math.pow\n")
    assert told.replace("\n", "").isprintable()


@pytest.mark.parametrize("command", [(), ("x", "--schedule", "y")])
def test_one_thing_is_explained(command: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="Name a task, or a schedule with --schedule") as raised:
        manage("explain", *command)
    assert raised.value.returncode == 2


def test_a_configuration_that_cannot_be_used_is_one_line() -> None:
    with override_settings(Q_CLUSTER={"workers": "four"}), pytest.raises(CommandError, match=r"djq\.E002"):
        manage("explain", "x")
