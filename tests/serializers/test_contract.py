"""The contract of a serializer, on what core offers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from djq_core.serializers import JsonSerializer, PickleSerializer
from djq_core.testing import SerializerContract


class TestPickleSerializer(SerializerContract):
    serializer_class = PickleSerializer
    values = ((1, (2,)), {1, 2}, {3: b"\x00\xff"}, datetime(2026, 1, 2, tzinfo=UTC), Decimal("0.10"))
    refused = (lambda: None,)


class TestJsonSerializer(SerializerContract):
    serializer_class = JsonSerializer
    values = (
        *TestPickleSerializer.values,
        {"$tuple": [1]},
        {1: "one", "1": "text"},
        UUID(int=1),
        timedelta(1, 2, 3),
        frozenset({(1, 2)}),
    )
    refused = (object(), 1j, range(3))
