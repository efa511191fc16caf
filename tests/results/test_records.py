"""From a result to its row."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import override_settings

from djq_core import current
from djq_core.results.cache import CacheResults
from djq_core.results.database import DatabaseResults
from djq_core.results.records import task_of
from tests.results.conftest import START, MakeResult


def test_a_task_is_complete_and_unsaved(make_result: MakeResult) -> None:
    result = make_result("error", success=False, attempt=3, crashed=True, group="g", hook="a.b")
    task = task_of(result)
    assert task._state.adding
    assert (task.pk, task.name, task.group, task.hook) == (result.package.id, result.package.name, "g", "a.b")
    assert (task.args, task.kwargs, task.result) == ((2, 3), {}, "error")
    assert (task.success, task.attempt_count, task.crashes) == (False, 3, 1)


@pytest.mark.usefixtures("alias")
def test_a_site_without_time_zones_gets_its_local_time(make_result: MakeResult) -> None:
    result = make_result(cached=True)
    with override_settings(USE_TZ=False, TIME_ZONE="Asia/Tokyo"):
        for backend in (DatabaseResults(), CacheResults(current.runtime().conf)):
            backend.save_many([result])
            task = backend.get(result.package.id)
            assert task is not None
            assert (task.started, task.time_taken()) == ((START + timedelta(hours=9)).replace(tzinfo=None), 1.0)
