"""``manage.py djq doctor`` as its reader sees it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import override_settings
from django.utils.timezone import now

from djq_core.models import Schedule
from tests.monitor.seeding import file_cache, manage, publish

pytestmark = pytest.mark.django_db

AREAS = ("Configuration", "Plugins", "Database", "Cache", "Broker", "Clusters", "Schedules")


@pytest.fixture(autouse=True)
def a_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COLUMNS", "80")
    with override_settings(Q_CLUSTER={"name": "tests", "orm": "default"}, CACHES={"default": file_cache(tmp_path)}):
        yield


def test_areas_findings_remedies_and_a_summary() -> None:
    code, told = manage("doctor")
    lines = told.splitlines()
    assert code == 1
    assert tuple(line for line in lines if line and not line.startswith(" "))[:-1] == AREAS
    start = lines.index("  ERROR    No cluster 'tests' runs. (clusters-none)")
    assert lines[start + 1] == "           > python manage.py qcluster --name tests"
    assert lines[-1] == "2 errors, 2 warnings."
    assert max(map(len, lines)) <= 80


def test_quiet_leaves_out_what_is_well() -> None:
    publish()
    _code, told = manage("doctor", "--quiet")
    assert "  ok" not in told
    assert "Schedules" not in told
    assert told.endswith("1 error, 2 warnings.\n")


def test_colours_tell_levels_apart() -> None:
    _code, told = manage("--force-color", "doctor")
    assert len({line.partition("m")[0] for line in told.splitlines() if "\x1b[" in line}) >= 3


def test_no_name_steers_the_terminal() -> None:
    Schedule.objects.create(func="math.pow", name="a\x1b[31m\x9b1mname", next_run=now() - timedelta(hours=1))
    _code, told = manage("doctor")
    assert "a�[31m�1mname" in told
    assert told.replace("\n", "").isprintable()
