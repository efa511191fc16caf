"""What the settings of a server mean for a queue."""

from __future__ import annotations

from typing import Any

import pytest

from djq_redis.examination import eviction, memory, persistence


@pytest.mark.parametrize(("aof", "level"), [(1, "ok"), (0, "warning")])
def test_a_queue_should_outlive_a_restart(aof: int, level: str) -> None:
    assert persistence({"aof_enabled": aof}).level == level


@pytest.mark.parametrize(
    ("told", "level"),
    [
        ({"maxmemory": 100, "maxmemory_policy": "allkeys-lru"}, "error"),
        ({"maxmemory": 0, "maxmemory_policy": "allkeys-lru"}, "warning"),
        ({"maxmemory": 100, "maxmemory_policy": "volatile-lru"}, "ok"),
        ({"maxmemory": 100, "maxmemory_policy": "noeviction"}, "ok"),
        ({}, "ok"),
    ],
)
def test_no_task_should_be_thrown_away(told: dict[str, Any], level: str) -> None:
    found = eviction(told)
    assert found.level == level
    assert ("noeviction" in found.remedy) is (level != "ok")


@pytest.mark.parametrize(
    ("used", "limit", "level", "message"),
    [
        (50, 0, "ok", "no limit"),
        (50, 100, "ok", "used 50% of"),
        (95, 100, "error", "used 95% of"),
    ],
)
def test_a_full_server_refuses_tasks(used: int, limit: int, level: str, message: str) -> None:
    found = memory({"used_memory": used, "maxmemory": limit})
    assert found.level == level
    assert message in found.message
