"""The contract of every broker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from djq_acme.broker import AcmeBroker
from djq_core.testing import BrokerContract


class TestAcme(BrokerContract):
    broker_class = AcmeBroker

    # A server that the tests start is a fixture beside this one; given as ``server`` too, with kill(), start(), pause()
    # and resume(), it is what the contract tries outages on. Nothing but the file is behind this broker.
    @pytest.fixture
    def options(self, tmp_path: Path) -> dict[str, Any]:
        return {"acme": {"file": tmp_path / "queue.sqlite3"}}
