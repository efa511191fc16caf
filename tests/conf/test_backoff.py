"""The pauses between attempts: what is taken, and how long each is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from djq_core.conf import PAUSE, Refused
from djq_core.conf.backoff import LONGEST, Exponential, Steps
from djq_core.conf.kinds import NO_CHOICE, OUT_OF_RANGE, WRONG_TYPE


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (0, Steps((0,))),
        (1.5, Steps((1.5,))),
        ([1, 5, 60], Steps((1, 5, 60))),
        ((1,), Steps((1,))),
        ({"initial": 2}, Exponential(2, 2, 3600, 0.5)),
        ({"initial": 2, "factor": 1, "maximum": 600, "jitter": 0}, Exponential(2, 1, 600, 0)),
    ],
)
def test_each_way_of_writing_is_read_and_written_again(given: Any, read: Steps | Exponential) -> None:
    assert PAUSE.read(given) == read
    assert PAUSE.read(json.loads(json.dumps(read.plain()))) == read
    hash(read)


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        (True, WRONG_TYPE, "type bool"),
        ("5", WRONG_TYPE, "type str"),
        (None, WRONG_TYPE, "type NoneType"),
        ([1, None], WRONG_TYPE, "type NoneType"),
        ({"initial": "hunter2"}, WRONG_TYPE, "'initial': a value of type str"),
        ([], OUT_OF_RANGE, "an empty list"),
        (-0.1, OUT_OF_RANGE, "-0.1"),
        (float("inf"), OUT_OF_RANGE, "inf"),
        (LONGEST + 1, OUT_OF_RANGE, "31622401"),
        (10**400, OUT_OF_RANGE, "1000"),
        ({}, OUT_OF_RANGE, "without 'initial'"),
        ({"initial": 1, "factor": 0.5}, OUT_OF_RANGE, "'factor': 0.5"),
        ({"initial": 1, "jitter": 1.1}, OUT_OF_RANGE, "'jitter': 1.1"),
        ({"initial": 1, "hunter2": 1}, NO_CHOICE, "other names"),
        ({1: 1}, NO_CHOICE, "other names"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_code(given: Any, code: str, text: str) -> None:
    with pytest.raises(Refused) as caught:
        PAUSE.read(given)
    assert caught.value.code == code
    assert text in caught.value.found
    assert "hunter2" not in f"{caught.value.found} {caught.value.hint}"


def test_the_last_step_repeats() -> None:
    assert [Steps((1, 5)).delay(attempt) for attempt in (0, 1, 2, 3, 10**6)] == [1, 1, 5, 5, 5]


def test_an_exponential_pause_grows_up_to_its_maximum() -> None:
    backoff = Exponential(2, 3, 100, jitter=0)
    assert [backoff.delay(attempt) for attempt in (1, 2, 3, 4, 5, 10**9)] == [2, 6, 18, 54, 100, 100]
    assert Exponential(0, 1000, 100).delay(10**9) == 0


@pytest.mark.parametrize(("chance", "delay"), [(0.0, 10.0), (0.5, 7.5), (1.0, 5.0)])
def test_chance_takes_away_the_share_called_jitter(chance: float, delay: float) -> None:
    assert Exponential(10, jitter=0.5).delay(1, lambda: chance) == delay


def test_chance_is_another_one_each_time() -> None:
    pauses = {Exponential(10, jitter=1).delay(1) for _ in range(20)}
    assert len(pauses) > 10
    assert all(0 <= pause <= 10 for pause in pauses)
