"""The table of the manual's reference: whatever the task API has is in it, and each row names a test that exists."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Model

from djq_core import models, tasks
from djq_core.enqueue.options import NAMES

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| `(\S+)` \| (.+?) \| `(\S+?)::(\w+)` \|$", re.MULTILINE)
#: These have a table of their own, in the page on schedules.
ELSEWHERE = ("schedule", "scheduled")
RESULTS = (models.Task, models.Success, models.Failure)


def rows() -> list[tuple[str, str, str, str]]:
    return ROW.findall((ROOT / "docs" / "reference.md").read_text())


def api() -> Iterator[tuple[str, str]]:
    """Yield everything that has a row: what it is, and which part of it."""
    for name in set(tasks.__all__) - set(ELSEWHERE):
        thing = getattr(tasks, name)
        yield from of_class(name, thing) if inspect.isclass(thing) else of_callable(name, thing)
    for model in RESULTS:
        yield from of_model(model)


def of_callable(name: str, called: Callable[..., Any]) -> Iterator[tuple[str, str]]:
    signature = inspect.signature(called)
    for parameter in signature.parameters.values():
        if parameter.name not in ("self", "cls"):
            yield name, f"`{str(parameter).partition(':')[0].partition('=')[0]}`"
    if name in ("async_task", "AsyncTask"):
        yield from ((name, f"`{option}`") for option in (*NAMES, "q_options"))
    if not inspect.isclass(called):
        yield name, f"returns `{signature.return_annotation}`".replace("|", "or")


def of_class(name: str, kind: type) -> Iterator[tuple[str, str]]:
    yield from of_callable(name, kind)
    given: tuple[Any, ...] = ("math.floor",) if kind is tasks.AsyncTask else ()
    for attribute in {*vars(kind), *vars(kind(*given))}:
        found = vars(kind).get(attribute)
        if attribute.startswith("_"):
            continue
        if inspect.isfunction(found):
            yield from of_callable(f"{name}.{attribute}", found)
        else:
            yield f"{name}.{attribute}", "attribute"


def of_model(model: type[Model]) -> Iterator[tuple[str, str]]:
    if model is not models.Task:
        yield model.__name__, "model"
        return
    yield from ((f"Task.{field.name}", "field") for field in model._meta.local_fields)
    for name, found in vars(model).items():
        called = found.__func__ if isinstance(found, classmethod) else found
        if inspect.isfunction(called) and not name.startswith(("_", "get_next_by", "get_previous_by")):
            yield from of_callable(f"Task.{name}", called)


@cache
def names_in(file: str) -> set[str]:
    return set(re.findall(r"^ *def (test_\w+)\(", (ROOT / file).read_text(), re.MULTILINE))


def test_everything_of_the_task_api_has_a_row_and_no_row_is_left_over() -> None:
    found = [(what, part) for what, part, _, _ in rows()]
    assert len(found) == len(set(found))
    mine = {what.partition(".")[0] for what, _ in api()}
    assert {row for row in found if row[0].partition(".")[0] in mine} == set(api())


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]} {row[1]}")
def test_every_row_names_a_test_that_exists(row: tuple[str, str, str, str]) -> None:
    _, _, file, test = row
    assert test in names_in(file)
