"""From a dotted path to what can be called, and a reason a person understands where nothing can."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from djq_core.cluster.functions import find_function
from djq_core.exceptions import FunctionNotFound

NUMBER = 5


class Tool:
    class Inner:
        @staticmethod
        def work() -> str:
            return "inner"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Give an importable folder."""
    before = set(sys.modules)
    sys.path.insert(0, str(tmp_path))
    yield tmp_path
    sys.path.remove(str(tmp_path))
    for name in set(sys.modules) - before:
        if name.startswith("found_"):
            del sys.modules[name]


@pytest.mark.parametrize(
    ("path", "function"),
    [
        ("math.pow", math.pow),
        ("len", len),
        ("os.path.join", __import__("os").path.join),
        ("datetime.datetime.now", __import__("datetime").datetime.now),
        (f"{__name__}.Tool", Tool),
        (f"{__name__}.Tool.Inner.work", Tool.Inner.work),
    ],
)
def test_what_a_path_leads_to(path: str, function: object) -> None:
    assert find_function(path) == function


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nosuchmodule.work", "there is no module 'nosuchmodule'"),
        ("nosuchname", "there is no module 'nosuchname'"),
        ("math.nosuch", "'math' has no attribute 'nosuch'"),
        ("math.nosuch.deeper", "'math' has no attribute 'nosuch'"),
        (f"{__name__}.Tool.nosuch", "'Tool' has no attribute 'nosuch'"),
        (f"{__name__}.NUMBER", "is of type int and cannot be called"),
        ("os.path", "is of type module and cannot be called"),
        ("", "there is no module ''"),
        (".work", "is not a dotted path"),
        ("..", "is not a dotted path"),
        ("a b.c", "there is no module 'a b'"),
        ("math.pow.", "has no attribute ''"),
        ("__debug__", "there is no module '__debug__'"),
    ],
)
def test_what_leads_nowhere_is_told(path: str, reason: str) -> None:
    with pytest.raises(FunctionNotFound, match=reason) as caught:
        find_function(path)
    assert isinstance(caught.value, ImportError)


def test_a_module_that_misses_another_is_not_taken_for_missing(folder: Path) -> None:
    (folder / "found_broken.py").write_text("import found_nowhere\n")
    with pytest.raises(FunctionNotFound, match="importing 'found_broken' failed, No module named 'found_nowhere'"):
        find_function("found_broken.work")


def test_what_a_module_raises_on_import_is_not_hidden(folder: Path) -> None:
    (folder / "found_raising.py").write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        find_function("found_raising.work")


def test_a_module_in_a_package_is_imported(folder: Path) -> None:
    (folder / "found_package").mkdir()
    (folder / "found_package" / "tasks.py").write_text("def work():\n    return 'found'\n")
    assert find_function("found_package.tasks.work")() == "found"
