"""What the tests of the core and of every plugin share."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester", "tests.services.fixtures", "tests.services.browsing"]

TESTS = Path(__file__).parent / "tests"
#: What starts clusters of its own and waits for them.
CLUSTERS = (TESTS / "chaos", TESTS / "flow")
#: Folders of tests that take their time: they start processes or servers, or wait for a clock.
LONG = (*CLUSTERS, TESTS.parent / "plugins", *(TESTS / name for name in ("demo", "examples", "security", "testing")))
#: How many characters of a value go into the name of a test.
SHOWN = 60


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a test after the beginning of a long text, for pytest writes the name into the environment.

    A variable of 128 KiB there lets no process start any more, and the server that a test wanted to start first is
    missed by all tests after it.
    """
    if isinstance(val, str | bytes) and len(val) > SHOWN:
        return f"{val[:SHOWN]!a}-and-on-to-{len(val)}"
    return None


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell which tests stay together, and let the long ones begin, so that no worker is left with one at the end.

    The tests of a file, or of a class, stay with one worker, for they share what is dear; those of clusters share
    nothing, unless they do a site. A mark of their own keeps tests of several files together.
    """
    for item in items:
        if not item.get_closest_marker("xdist_group") and (mates := _mates_of(item)):
            item.add_marker(pytest.mark.xdist_group(mates))
    items.sort(key=lambda item: not _is_in(item, LONG))  # within each half, the order is as random as it was


def _mates_of(item: pytest.Item) -> str:
    """Return the name of the group that a test belongs to, "" for a test that needs no other beside it."""
    if not _is_in(item, CLUSTERS):
        return (item.getparent(pytest.Class) or item.getparent(pytest.Module) or item).nodeid
    if isinstance(item, pytest.Function) and "make_module_site" in item.fixturenames:
        return f"{item.path.stem}-{item.callspec.params.get('site')}"
    return ""


def _is_in(item: pytest.Item, folders: tuple[Path, ...]) -> bool:
    return any(item.path.is_relative_to(folder) for folder in folders)
