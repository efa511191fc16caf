"""``djq explain`` while a database is away; no test of this module has one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.test import override_settings

from djq_core.tasks import async_task
from tests.monitor.seeding import away, busy, explained, publish
from tests.services.valkey import ValkeyServer


def test_the_database_is_away(valkey_server: ValkeyServer, tmp_path: Path, django_db_blocker: Any) -> None:
    keys = {"name": "tests", "redis": valkey_server.settings(), "redis_receipts": True}
    with override_settings(Q_CLUSTER=keys):
        task_id = str(async_task("math.pow", 2, 3))
        publish(**busy(done_q_size=7))
        with django_db_blocker.unblock(), away(tmp_path):
            answer = explained(task_id)
    assert (answer["cause"], answer["exit"]) == ("database-away", 1)
    assert any("keeps 7 results" in detail for detail in answer["details"])
    assert any("unable to open database file" in detail for detail in answer["details"])
    assert "Bring the database back" in answer["remedy"]
