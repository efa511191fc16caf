"""The table of the manual's chapter on the monitor: each part is in it, each test exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from djq_core.monitor import Stat, Status

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/monitor.md").read_text()
TABLE = re.findall(r"^\| (1\.10[.\d]*) \| `(.+?)` \| `(tests/[^`]+)` \|$", PAGE, re.MULTILINE)
#: What the manual's reference of the class names (1.10.4).
NAMES = (
    "cluster_id", "tob", "uptime", "reincarnations", "status", "task_q_size", "done_q_size", "pusher", "monitor",
    "sentinel", "workers", "empty_queues", "get", "get_all",
)  # fmt: skip


def test_every_section_is_in_the_table() -> None:
    assert {section for section, _, _ in TABLE} == {"1.10", "1.10.1", "1.10.2", "1.10.3", "1.10.4"}


@pytest.mark.parametrize("test", sorted({test for _, _, test in TABLE}))
def test_every_test_of_the_table_exists(test: str) -> None:
    path, name = test.split("::")
    nodes = ast.walk(ast.parse((ROOT / path).read_text()))
    assert name in {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("name", NAMES)
def test_every_name_of_the_reference_is_there_and_on_the_page(name: str) -> None:
    assert hasattr(Stat(cluster_id=1), name)
    assert hasattr(Status(cluster_id=1), name) is (name not in ("get", "get_all"))
    assert re.search(rf"`{name}(\(\))?`", PAGE)
