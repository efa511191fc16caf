"""The contract of every broker, on FIFO queues and with packages in a storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
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
        with override_settings(STORAGES=_storages(tmp_path)):
            yield

    @pytest.fixture
    def process_setup(self, tmp_path: Path) -> Callable[[], object]:
        return partial(_be_a_site, tmp_path)


def _storages(folder: Path) -> dict[str, Any]:
    backend = "django.core.files.storage.FileSystemStorage"
    return {"claims": {"BACKEND": backend, "OPTIONS": {"location": str(folder)}}}


def _be_a_site(folder: Path) -> None:
    settings.configure(STORAGES=_storages(folder))
