"""How often a package came since it last ended, told by what is recorded: for servers that count every delivery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db.models import Model
from django.utils import timezone

from djq_core.cluster.answered import deliveries_since_an_end
from djq_core.models import Part, Task
from tests.making import package_of, result_of, runtime_of

pytestmark = pytest.mark.django_db
ID = "a" * 32


def _task() -> Model:
    return Task(id=ID, name="n", func="f", started=timezone.now(), stopped=timezone.now(), attempt_count=22)


def _part() -> Model:
    return Part(id=ID, whole="w", stopped=timezone.now(), success=False, is_final=False, attempt_count=22)


def test_nothing_is_recorded_of_a_task_that_ends_its_clusters() -> None:
    assert deliveries_since_an_end(runtime_of(), ID, 25) == 25


@pytest.mark.parametrize("row", [_task, _part])
def test_what_is_recorded_was_answered(row: Callable[[], Model]) -> None:
    row().save(force_insert=True)
    assert deliveries_since_an_end(runtime_of(), ID, 25) == 3


def test_a_result_in_the_cache_is_a_record_too() -> None:
    runtime = runtime_of()
    package = package_of(runtime, cached=True)
    runtime.cache_results.save_many([replace(result_of(runtime, package, success=False), attempt=24)])
    assert deliveries_since_an_end(runtime, package.id, 25) == 1
