"""The contract of every broker, on a standard queue."""

from __future__ import annotations

from djq_core.testing import BrokerContract
from djq_sqs.broker import SqsBroker
from plugins.djq_sqs.tests.contract import DROPPED, SqsKit


class TestSqs(SqsKit, BrokerContract):
    broker_class = SqsBroker
    dropped = DROPPED
