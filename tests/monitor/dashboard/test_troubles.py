"""Why something cannot be read, in one line that holds no secret."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from djq_core.exceptions import BrokerError, ConfigurationError
from djq_core.monitor.dashboard.troubles import guarded, reason


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BrokerError("Redis is\n  away."), "Redis is away."),
        (BrokerError(), "The broker cannot be reached or refused the operation."),
        (ConfigurationError("Two brokers."), "Two brokers."),
        (DatabaseError("no such table: x"), "no such table: x"),
        (DatabaseError(), "DatabaseError"),
        (ConnectionError("amqp://guest:secret@host"), "ConnectionError"),
        (BrokerError("x" * 500), "x" * 300 + "…"),
    ],
)
def test_a_reason_is_one_short_line(error: Exception, told: str) -> None:
    assert reason(error) == told


@pytest.mark.django_db
def test_the_transaction_of_the_caller_stays_usable() -> None:
    with transaction.atomic():
        with pytest.raises(DatabaseError), guarded("default"), connection.cursor() as cursor:
            cursor.execute("SELECT nonsense FROM nowhere")
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
