"""A row of the queue, read for people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command

from djq_core import current
from djq_core.tasks import async_task
from djq_orm.models import OrmQ


class Trap:
    """Unpickling this leaves a trace."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.django_db
def test_a_row_tells_what_its_task_is() -> None:
    task_id = async_task("math.copysign", 2, -2, task_name="sign", group="g", hook="math.fabs", save=False, timeout=7)
    row = OrmQ.objects.get()
    assert (row.task_id(), row.name(), row.func(), row.group()) == (task_id, "sign", "math.copysign", "g")
    assert row.q_options() == {"hook": "math.fabs", "group": "g", "save": False, "timeout": 7}
    assert row.task["name"] == "sign"
    assert "args" not in row.task


@pytest.mark.django_db
def test_reading_a_row_loads_no_argument(tmp_path: Path) -> None:
    mark = tmp_path / "loaded"
    async_task("builtins.print", Trap(mark))
    mark.unlink(missing_ok=True)
    row = OrmQ.objects.get()
    assert row.func() == "builtins.print"
    assert not mark.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("payload", ["", "nonsense", "eyJ2IjoxfQ==.eA==:forged"])
def test_what_cannot_be_verified_is_shown_as_such(payload: str) -> None:
    row = OrmQ(key="tests", payload=payload)
    assert set(row.task) == {"error"}
    assert "signature" in row.name()
    assert (row.task_id(), row.func(), row.group(), row.q_options()) == ("", "", "", {})


@pytest.mark.django_db
def test_a_package_of_another_queue_is_not_read_as_ours() -> None:
    async_task("math.copysign", 2, -2)
    row = OrmQ.objects.get()
    row.key = "other"
    assert "signature" in row.name()


@pytest.mark.django_db
def test_a_row_made_by_hand_is_delivered() -> None:
    OrmQ.objects.create(key="tests", payload="x")
    (delivery,) = current.runtime().broker().receive(1, 0)
    assert (delivery.package, delivery.count) == ("x", 1)


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    call_command("makemigrations", "djq_orm", check=True, dry_run=True, verbosity=0)
