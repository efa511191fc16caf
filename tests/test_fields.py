"""The signed field: lazy, signed, and never raising."""

from __future__ import annotations

import copy
import datetime
import json
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import serializers
from django.db import connection
from django.test import override_settings

from djq_core import current
from djq_core.envelope import FIELD, RESULT, new_id
from djq_core.exceptions import SerializationError
from djq_core.fields import Sealed, Serialized, Unreadable, seal
from djq_core.models import Task

pytestmark = pytest.mark.django_db

NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
LOADED: list[str] = []


class Telltale:
    """Notes when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return loaded, ("telltale",)


def loaded(name: str) -> str:
    LOADED.append(name)
    return name


def explode(name: str) -> None:
    raise RuntimeError(name)


class Bomb:
    """Cannot be unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return explode, ("no such thing any more",)


@pytest.fixture(autouse=True)
def nothing_loaded() -> Iterator[None]:
    LOADED.clear()
    yield
    LOADED.clear()


def save(**values: Any) -> Task:
    """Store a task with these values and return it as the database gives it back."""
    task = Task(id=new_id(), name="task", func="f", started=NOW, stopped=NOW, **values)
    task.save()
    return Task.objects.get(pk=task.pk)


def raw(task: Task, column: str = "result") -> Any:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {Task._meta.db_table} WHERE id = %s", [task.pk])
        return cursor.fetchone()[0]


def overwrite(task: Task, text: str) -> Task:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {Task._meta.db_table} SET result = %s WHERE id = %s", [text, task.pk])
    return Task.objects.get(pk=task.pk)


@pytest.mark.parametrize(
    "value", [None, 0, "", "text", b"\x00", [], {"a": (1, {2})}, NOW, "a" * 100_000], ids=lambda value: str(value)[:20]
)
def test_any_value_comes_back(value: Any) -> None:
    assert save(result=value).result == value


def test_nothing_is_read_before_it_is_looked_at() -> None:
    save(result=Telltale(), args=(1,))
    tasks = list(Task.objects.all())
    copies = [copy.copy(tasks[0]), copy.deepcopy(tasks[0]), pickle.loads(pickle.dumps(tasks[0]))]
    tasks[0].name = "other"
    tasks[0].save()
    assert LOADED == []
    assert [task.result for task in copies] == ["telltale"] * 3
    assert tasks[0].result == "telltale"
    assert LOADED == ["telltale"] * 4
    assert tasks[0].result == "telltale"
    assert LOADED == ["telltale"] * 4


def test_saving_what_was_not_looked_at_changes_nothing() -> None:
    task = save(result=Telltale())
    before = raw(task)
    task.save()
    assert raw(task) == before


def test_a_changed_value_is_saved() -> None:
    task = save(result=[1])
    task.result.append(2)
    task.save()
    assert Task.objects.get(pk=task.pk).result == [1, 2]
    Task.objects.filter(pk=task.pk).update(result="updated")
    task.refresh_from_db()
    assert task.result == "updated"


def test_a_serialized_value_is_signed_as_it_is() -> None:
    data = current.runtime().dump(Telltale())
    task = Task(id=new_id(), name="n", func="f", started=NOW, stopped=NOW, result=Serialized("pickle", data))
    task.save()
    assert LOADED == []
    assert Task.objects.get(pk=task.pk).result == "telltale"
    assert LOADED == ["telltale"]


def test_an_assigned_serialized_value_reads_as_the_value() -> None:
    task = Task(result=Serialized("pickle", current.runtime().dump([1])))
    assert task.result == [1]


def test_deferred_and_chosen_columns() -> None:
    pk = save(result=[1], args=(2,)).pk
    deferred = Task.objects.defer("result", "args").get(pk=pk)
    assert deferred.get_deferred_fields() == {"result", "args"}
    assert (deferred.result, deferred.args) == ([1], (2,))
    assert Task.objects.only("result").get(pk=pk).result == [1]
    deferred = Task.objects.defer("result").get(pk=pk)
    deferred.save()
    assert Task.objects.get(pk=pk).result == [1]


def test_values_are_opened() -> None:
    pk = save(result=[1], args=(2,)).pk
    tasks = Task.objects.filter(pk=pk)
    assert list(tasks.values("result", "name")) == [{"result": [1], "name": "task"}]
    assert list(tasks.values_list("result", "args")) == [([1], (2,))]
    assert list(tasks.values_list("result", flat=True)) == [[1]]
    named = tasks.values_list("result", "args", named=True).get()
    assert (named.result, named.args) == ([1], (2,))
    assert list(tasks.filter(result__isnull=False).values_list("name", flat=True)) == ["task"]


def test_what_lies_in_the_database_is_signed_text() -> None:
    text = raw(save(result=[1]))
    assert current.runtime().signer.named("").verify(FIELD, text).startswith("pickle:")
    assert raw(save(result=None)) is None


@pytest.mark.parametrize(
    "change", [lambda text: text[:-1] + "?", lambda text: "x" + text, lambda text: "", lambda text: "plain"]
)
def test_a_changed_text_is_unreadable_and_never_loaded(change: Any) -> None:
    task = save(result=Telltale())
    task = overwrite(task, change(raw(task)))
    assert isinstance(task.result, Unreadable)
    assert "SECRET_KEY" in str(task.result)
    assert LOADED == []


def test_a_text_signed_for_something_else_is_unreadable() -> None:
    runtime = current.runtime()
    unsigned = runtime.signer.named("").verify(FIELD, seal(Telltale()).text)
    for text in (runtime.signer.named("").sign(RESULT, unsigned), runtime.signer.sign(FIELD, unsigned)):
        assert isinstance(overwrite(save(result=1), text).result, Unreadable)
    assert LOADED == []


def test_what_cannot_be_loaded_says_why_and_survives_saving() -> None:
    task = save(result=Bomb())
    before = raw(task)
    assert str(task.result) == "This value cannot be read: RuntimeError: no such thing any more"
    task.save()
    assert raw(task) == before
    assert copy.deepcopy(task).result == task.result
    assigned = Task(result=Serialized("pickle", b"junk"))
    assert isinstance(assigned.result, Unreadable)
    assert seal(assigned.result).serialized() == Serialized("pickle", b"junk")


def test_a_serializer_that_is_not_accepted_is_unreadable() -> None:
    task = save(result=Telltale())
    with override_settings(Q_CLUSTER={"orm": "default", "serializer": "json"}):
        assert "accept_serializers" in str(task.result)
    assert LOADED == []


def test_fallback_keys_still_read() -> None:
    pk, old = save(result=[1]).pk, current.runtime().conf.secret_key
    with override_settings(SECRET_KEY="a new key", SECRET_KEY_FALLBACKS=[old]):
        assert Task.objects.get(pk=pk).result == [1]
    with override_settings(SECRET_KEY="a new key"):
        assert isinstance(Task.objects.get(pk=pk).result, Unreadable)


def test_all_clusters_of_a_site_read_the_same() -> None:
    pk = save(result=[1]).pk
    with override_settings(Q_CLUSTER={"orm": "default", "name": "another"}):
        assert Task.objects.get(pk=pk).result == [1]


def test_what_cannot_be_serialized_is_refused() -> None:
    with pytest.raises(SerializationError):
        save(result=lambda: None)


def test_fixtures_carry_the_signed_text() -> None:
    task = save(result=Telltale(), args=None)
    text = serializers.serialize("json", [Task.objects.get(pk=task.pk)])
    assert LOADED == []
    assert json.loads(text)[0]["fields"]["result"] == raw(task)
    Task.objects.all().delete()
    for loaded_task in serializers.deserialize("json", text):
        loaded_task.save()
    again = Task.objects.get(pk=task.pk)
    assert (again.result, again.args) == ("telltale", None)


def test_a_fixtures_plain_value_is_taken_as_the_value() -> None:
    task = save(result="plain")
    text = serializers.serialize("json", [task]).replace(json.dumps(raw(task)), '"written by hand"')
    for loaded_task in serializers.deserialize("json", text):
        loaded_task.save()
    assert Task.objects.get(pk=task.pk).result == "written by hand"


def test_full_clean_keeps_the_value() -> None:
    task = save(result={"a": 1})
    task.full_clean(exclude=["hook"])
    assert task.result == {"a": 1}


def test_the_field_is_known_to_migrations_by_its_path() -> None:
    name, path, args, options = Task._meta.get_field("result").deconstruct()
    assert (name, path, args) == ("result", "djq_core.fields.SignedField", [])
    assert options["null"]


def test_bulk_methods() -> None:
    tasks = [Task(id=new_id(), name="t", func="f", started=NOW, stopped=NOW, result=n) for n in range(3)]
    Task.objects.bulk_create(tasks)
    for task in tasks:
        task.result += 10
    Task.objects.bulk_update(tasks, ["result"])
    assert sorted(Task.objects.values_list("result", flat=True)) == [10, 11, 12]


def test_a_sealed_value_shows_nothing() -> None:
    assert repr(Sealed("secret")) == "Sealed()"
