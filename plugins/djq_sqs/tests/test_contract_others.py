"""The contract of every broker, on FIFO queues and with packages in a storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from django.test import override_settings

from djq_core.testing import BrokerContract
from djq_sqs.broker import SqsClaimsBroker, SqsFifoBroker
from plugins.djq_sqs.tests.contract import DROPPED, SqsKit

pytestmark = pytest.mark.chaos


class TestSqsFifo(SqsKit, BrokerContract):
    broker_class = SqsFifoBroker
    dropped = DROPPED
    more = {"fifo": True}


class TestSqsClaims(SqsKit, BrokerContract):
    """Each package of more than ten bytes is claimed."""

    broker_class = SqsClaimsBroker
    dropped = DROPPED
    more = {"claim_check": "claims", "claim_check_over": 10}

    @pytest.fixture(autouse=True)
    def _storage(self, tmp_path: Path) -> Iterator[None]:
        with storage(tmp_path):
            yield

    @pytest.fixture
    def process_setup(self, tmp_path: Path) -> Callable[[], object]:
        return partial(_use_storage, tmp_path)


def storage(folder: Path) -> override_settings:
    """Return what lets the site have the storage ``claims`` in a folder."""
    backend = "django.core.files.storage.FileSystemStorage"
    return override_settings(STORAGES={"claims": {"BACKEND": backend, "OPTIONS": {"location": str(folder)}}})


def _use_storage(folder: Path) -> None:
    storage(folder).enable()
