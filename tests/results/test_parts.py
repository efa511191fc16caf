"""What iters and chains keep until they have ended, on every database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from djq_core.envelope import Place, TaskResult, new_id
from djq_core.models import Part
from djq_core.results import Stored, parts
from djq_core.results.records import end_of, part_of
from tests.results.conftest import MakeResult

WHOLE = "f" * 32


def result_of(make_result: MakeResult, number: int, count: int = 3, **fields: Any) -> TaskResult:
    place = Place(WHOLE, "whole", number, count)
    return make_result(fields.pop("value", number), **{"id": f"{number:032x}", "place": place, **fields})


def save(*results: TaskResult, is_final: bool = False) -> dict[str, Stored]:
    return dict(parts.save([part_of(result, is_final=is_final) for result in results]))


def found(count: int = 3) -> list[tuple[int, Any, bool]]:
    return [(part.number, part.result, part.success) for part in parts.collect(WHOLE, count)]


def test_parts_are_collected_in_order_once_all_are_there(alias: str, make_result: MakeResult) -> None:
    save(result_of(make_result, 2))
    assert found() == []
    save(result_of(make_result, 0))
    assert found() == []
    save(result_of(make_result, 1))
    assert found() == [(0, 0, True), (1, 1, True), (2, 2, True)]
    parts.drop(WHOLE)
    assert not Part.objects.filter(result__isnull=False).exists()


def test_an_iter_that_is_done_with_is_remembered_for_a_day(alias: str, make_result: MakeResult) -> None:
    save(result_of(make_result, 0, 1))
    assert parts.done_with([WHOLE, new_id()]) == set()
    parts.drop(WHOLE)
    assert parts.done_with([WHOLE, new_id()]) == {WHOLE}
    Part.objects.update(stopped=timezone.now() - parts.NOTED - timedelta(minutes=1))
    parts.drop(new_id())
    assert parts.done_with([WHOLE]) == set()


def test_a_repeat_counts_once(alias: str, make_result: MakeResult) -> None:
    for _ in range(3):
        save(result_of(make_result, 2), result_of(make_result, 1))
    assert found() == []
    assert Part.objects.filter(result__isnull=False).count() == 2


def test_a_success_is_final_and_replaces_a_failure(alias: str, make_result: MakeResult) -> None:
    died = result_of(make_result, 0, value="died", success=False, crashed=True)
    assert save(died) == {died.package.id: Stored(1, 1)}
    assert save(died) == {died.package.id: Stored(1, 1)}
    again = result_of(make_result, 0, value="again", success=False, crashed=True, attempt=2)
    assert save(again, is_final=True) == {died.package.id: Stored(2, 2)}
    assert Part.objects.get().is_final
    save(result_of(make_result, 0, attempt=3))
    assert save(again) == {}
    part = Part.objects.get()
    assert (part.success, part.result, part.attempt_count, part.crashes) == (True, 0, 3, 2)


def test_a_part_is_given_up(alias: str, make_result: MakeResult) -> None:
    save(result_of(make_result, 0, success=False), result_of(make_result, 1, success=False))
    parts.give_up([])
    parts.give_up([f"{1:032x}"])
    assert list(Part.objects.order_by("number").values_list("is_final", flat=True)) == [False, True]


def test_the_end_of_a_chain_is_noted_and_taken_back(alias: str, make_result: MakeResult) -> None:
    chain_id = new_id()
    link = make_result("no", success=False, chain_id=chain_id)
    assert not parts.has_ended(chain_id)
    for _ in range(2):
        parts.note_end(end_of(link, is_final=True))
    assert parts.has_ended(chain_id)
    assert not parts.has_ended(new_id())
    parts.forget(link.package.id)
    assert not parts.has_ended(chain_id)


def test_a_link_that_is_not_kept_is_passed_once(alias: str, make_result: MakeResult) -> None:
    chain_id = new_id()
    link, again = (make_result(chain_id=chain_id, id="a" * 32, attempt=attempt) for attempt in (1, 2))
    assert parts.pass_on([]) == set()
    for _ in range(2):
        assert parts.pass_on([end_of(link, is_final=False)]) == {"a" * 32}
    assert parts.pass_on([end_of(again, is_final=False)]) == set()
    with transaction.atomic(using=alias):
        assert parts.pass_on([end_of(link, is_final=False)]) == set()
    assert not parts.has_ended(chain_id)
    parts.note_end(end_of(link, is_final=True))
    assert parts.has_ended(chain_id)


def test_what_nobody_asks_for_any_more_is_swept(alias: str, make_result: MakeResult) -> None:
    now = timezone.now()
    kept, old = new_id(), new_id()
    parts.save(
        [
            end_of(make_result(chain_id=kept, stopped=now), is_final=True),
            end_of(make_result(chain_id=old, stopped=now - parts.NOTED - timedelta(minutes=1)), is_final=True),
        ]
    )
    long_ago = now - parts.FORGOTTEN - timedelta(minutes=1)
    save(result_of(make_result, 0, stopped=long_ago), result_of(make_result, 1, stopped=now))
    forgotten = make_result(stopped=long_ago, place=Place(old, "old", 0, 2))
    parts.save([part_of(forgotten, is_final=True)])
    parts.sweep()
    assert sorted(Part.objects.values_list("whole", flat=True)) == sorted([kept, WHOLE, WHOLE])
    assert parts.has_ended(kept)


@pytest.mark.parametrize("is_last_there", [True, False])
def test_a_thousand_parts_are_collected(alias: str, make_result: MakeResult, is_last_there: bool) -> None:
    numbers = range(1000) if is_last_there else range(999)
    results = [result_of(make_result, number, 1000) for number in numbers]
    for start in range(0, 1000, 100):
        save(*results[start : start + 100])
    assert [number for number, _, _ in found(1000)] == (list(numbers) if is_last_there else [])
