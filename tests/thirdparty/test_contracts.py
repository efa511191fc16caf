"""What others have written is held to the same contracts as ours, as their own tests would do it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from djq_core import current
from djq_core.results import ResultBackend
from djq_core.testing import ErrorReporterContract, ResultBackendContract, SerializerContract
from tests.thirdparty.installed import HERE, SOURCES

sys.path += [str(HERE / name) for name in SOURCES]  # their sources, for a contract looks at the class when it is read

from acme_ledger.reporter import LedgerReporter
from acme_msgpack.serializer import MsgpackSerializer
from acme_shelf.backend import ShelfResults

pytestmark = pytest.mark.xdist_group("thirdparty")


class TestMsgpackSerializer(SerializerContract):
    serializer_class = MsgpackSerializer
    values = (b"\x00\xff", -(2**63), {1: "one", None: 0})
    refused = ({1, 2}, 1j, 2**64)


class TestLedgerReporter(ErrorReporterContract):
    reporter_class = LedgerReporter

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        return {"path": str(tmp_path / "ledger")}

    @pytest.fixture
    def arrived(self, settings: dict[str, Any]) -> Callable[[], list[str]]:
        path = Path(settings["path"])
        return lambda: path.read_text().splitlines() if path.exists() else []


class TestShelfResults(ResultBackendContract):
    backend_class = ShelfResults

    @pytest.fixture
    def backend(self, tmp_path: Path) -> Iterator[ResultBackend]:
        with override_settings(Q_CLUSTER={"orm": "default"}):
            conf = current.runtime().conf
            conf.plugin_settings["acme_shelf"] = str(tmp_path / "shelf")  # type: ignore[index]
            yield ShelfResults(conf)
