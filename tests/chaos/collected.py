"""The scenarios as they are now: ``python -m tests.chaos.collected`` prints the size of each, by the id of its test."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

import pytest

_ARGUMENTS = ("--collect-only", "-q", "-n", "0", "-p", "no:randomly", "-m", "")


class Collector:
    """A plugin of pytest that keeps what was collected."""

    def __init__(self) -> None:
        self.sizes: dict[str, Any] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the parameters of each test but for where it runs."""
        for item in session.items:
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            self.sizes[item.nodeid] = {name: value for name, value in parameters.items() if name != "vendor"}


if __name__ == "__main__":
    collector = Collector()
    with contextlib.redirect_stdout(sys.stderr):
        code = pytest.main([*_ARGUMENTS, *sys.argv[1:]], plugins=[collector])
    sys.stdout.write(json.dumps(collector.sizes, default=str))
    sys.exit(code)
