"""The contract of an error reporter, on one that appends to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from djq_core.testing import ErrorReporterContract
from tests.reporters.files import FileReporter


class TestFileReporter(ErrorReporterContract):
    reporter_class = FileReporter

    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "there").mkdir()
        return {"path": str(tmp_path / "there" / "errors")}

    @pytest.fixture
    def arrived(self, settings: dict[str, Any]) -> Callable[[], list[str]]:
        path = Path(settings["path"])
        return lambda: path.read_text().splitlines() if path.exists() else []

    @pytest.fixture
    def outage(self, settings: dict[str, Any]) -> Callable[[], AbstractContextManager[None]]:
        return lambda: moved(Path(settings["path"]).parent)


@contextmanager
def moved(folder: Path) -> Iterator[None]:
    """Move a folder out of the way."""
    elsewhere = folder.rename(folder.with_name("elsewhere"))
    try:
        yield
    finally:
        elsewhere.rename(folder)
