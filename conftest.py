"""What the tests of the core and of every plugin share."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester", "tests.services.fixtures", "tests.services.browsing"]

CHAOS = Path(__file__).parent / "tests" / "chaos"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file, or of a class, with one worker, for they share what is dear; chaos shares nothing.

    A mark of their own keeps tests of several files together.
    """
    for item in items:
        if not item.path.is_relative_to(CHAOS) and not item.get_closest_marker("xdist_group"):
            owner = item.getparent(pytest.Class) or item.getparent(pytest.Module) or item
            item.add_marker(pytest.mark.xdist_group(owner.nodeid))
