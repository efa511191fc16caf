"""A small error reporter, whose receiver is a file."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from djq_core.reporters import ErrorReporter
from djq_core.reporters.base import ExcInfo


class FileReporter(ErrorReporter):
    """Appends a line of JSON for each error; nothing is held back, so there is nothing to flush."""

    name = "file"

    def __init__(self, path: str) -> None:
        super().__init__(path=path)
        self._path = Path(path)

    def report(
        self, exc_info: ExcInfo | None = None, task: Mapping[str, Any] | None = None, where: str | None = None
    ) -> None:
        text = "".join(traceback.format_exception(*exc_info)) if exc_info else traceback.format_exc()
        line = json.dumps({"error": text, "task": dict(task or {}), "where": where}, default=repr)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)
