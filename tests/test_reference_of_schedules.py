"""The table of the manual's section on schedules: complete, and each test of it exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from djq_core.models import Schedule
from djq_core.tasks.scheduling import KEYWORDS

ROOT = Path(__file__).resolve().parent.parent
TABLE = re.findall(
    r"^\| `([^`]+)` \| (.+?) \| `(tests/[^`]+)` \|$", (ROOT / "docs/schedules.md").read_text(), re.MULTILINE
)
NAMES = [name for name, _, _ in TABLE]
#: What a user of the model does not touch.
INTERNAL = {"slot", "declared", "holder", "seen", "paused_repeats"}
#: Explained where the page speaks of policies; a keyword of ``schedule()`` is in the table.
OWN = {"misfire_policy", "overlap_policy", "intended_date_kwarg", "is_running"}
FIELDS = sorted({field.name for field in Schedule._meta.local_fields} - INTERNAL - OWN)
CONSTANTS = ("TYPE", "ONCE", "MINUTES", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "QUARTERLY", "YEARLY", "CRON")


@pytest.mark.parametrize("name", ["func", "args", "kwargs", *KEYWORDS])
def test_every_parameter_is_in_the_table(name: str) -> None:
    assert f"schedule({name})" in NAMES


@pytest.mark.parametrize("name", [*FIELDS, *CONSTANTS])
def test_every_field_and_constant_is_in_the_table(name: str) -> None:
    assert f"Schedule.{name}" in NAMES
    assert hasattr(Schedule, name)


@pytest.mark.parametrize("name", ["last_run", "success", "next_runs"])
def test_every_method_is_in_the_table(name: str) -> None:
    assert f"Schedule.{name}()" in NAMES
    assert callable(getattr(Schedule, name))


@pytest.mark.parametrize("test", sorted({test for _, _, test in TABLE}))
def test_every_test_of_the_table_exists(test: str) -> None:
    path, name = test.split("::")
    nodes = ast.walk(ast.parse((ROOT / path).read_text()))
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    assert name in functions
