"""What the stand-in writes down before it answers, so that a kill costs nothing that was accepted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Entry = list[Any]


class Journal:
    """A file of entries, one a line; what a kill cut off in the middle of a line was not answered for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, *entries: Entry) -> None:
        """Add entries in one piece; they outlive this process when the call returns."""
        if entries:
            os.write(self._descriptor, "".join(f"{json.dumps(entry)}\n" for entry in entries).encode())

    def read(self) -> Iterator[Entry]:
        """Yield everything that was written, by processes before this one too."""
        with self._path.open(encoding="ascii") as lines:
            for line in lines:
                if line.endswith("\n"):
                    yield json.loads(line)
