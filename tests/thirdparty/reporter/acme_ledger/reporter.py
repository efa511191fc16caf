"""Errors as lines of a file, written when there are some or when the process ends."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from djq_core.reporters import ErrorReporter


class LedgerReporter(ErrorReporter):
    """Keeps lines back until it has ``held`` of them; ``flush`` writes what is left."""

    name = "acme-ledger"

    def __init__(self, path: str, held: int = 10) -> None:
        super().__init__(path=path, held=held)
        self._path = Path(path)
        self._held = held
        self._lines: list[str] = []
        self._lock = threading.Lock()

    def report(
        self,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | None = None,
        task: Mapping[str, Any] | None = None,
        where: str | None = None,
    ) -> None:
        """Take down what went wrong, with which task, in which process."""
        kind, error, _ = exc_info or sys.exc_info()
        about = {key: (task or {}).get(key) for key in ("id", "name", "func", "group")}
        told = {"error": f"{kind and kind.__name__}: {error}", **about, "where": where}
        with self._lock:
            self._lines.append(json.dumps(told))
            if len(self._lines) >= self._held:
                self._write()

    def flush(self, timeout: float | None = None) -> None:
        """Write what is kept back."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        with self._path.open("a") as file:
            file.writelines(f"{line}\n" for line in self._lines)
        self._lines.clear()
