"""What the kind of a server and the write concern mean for a queue."""

from __future__ import annotations

from typing import Any

import pytest

from djq_mongo.examination import confirmation, durability, replication, storage

SET = "the replica set 'rs0'"


def test_a_single_server_is_a_risk() -> None:
    assert replication(SET).level == "ok"
    assert replication(None).level == "warning"


@pytest.mark.parametrize(
    ("concern", "level"),
    [
        ({"w": "majority", "j": True}, "ok"),
        ({"w": "majority", "j": False}, "warning"),
        ({"w": 1, "j": True}, "warning"),
    ],
)
def test_a_majority_should_confirm(concern: dict[str, Any], level: str) -> None:
    assert confirmation(concern).level == level


@pytest.mark.parametrize(
    ("status", "level"),
    [
        ({"storageEngine": {"name": "wiredTiger", "persistent": True}}, "ok"),
        ({"storageEngine": {"name": "inMemory", "persistent": False}}, "error"),
        ({}, "ok"),
        (None, "ok"),
    ],
)
def test_a_queue_should_be_on_disk(status: dict[str, Any] | None, level: str) -> None:
    assert storage(status).level == level


@pytest.mark.parametrize(
    ("name", "concern", "said"),
    [
        (SET, {"w": "majority", "j": True}, "a majority of the replica set 'rs0' has it in the journal"),
        (SET, {"w": "majority", "j": False}, "has it in memory"),
        (SET, {"w": 1, "j": True}, "a fail-over may lose it"),
        (None, {"w": "majority", "j": True}, "when the server has it in its journal. It is a single server"),
    ],
)
def test_the_start_line_says_when_a_task_is_accepted(name: str | None, concern: dict[str, Any], said: str) -> None:
    assert said in durability(name, concern)
