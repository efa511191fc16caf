"""The table of the manual's chapter on the admin: each column, filter, search and action is in it, each test exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin

from djq_core.models import Failure, Schedule, Success
from djq_orm.models import OrmQ

ROOT = Path(__file__).resolve().parent.parent
TABLE = re.findall(
    r"^\| (1\.11[.\d]*) \| `(.+?)` \| `((?:tests|plugins)/[^`]+)` \|$",
    (ROOT / "docs/admin.md").read_text(),
    re.MULTILINE,
)
PAGES = {"1.11.1": Success, "1.11.2": Failure, "1.11.3": Schedule, "1.11.4": OrmQ}
#: What the manual says in sentences.
SAID = {
    "1.11": {"four pages", "long lists", "scripts are text", "permissions"},
    "1.11.1": {"details", "delete"},
    "1.11.2": {"the error in result", "a class of the site's own"},
    "1.11.3": {"create", "edit", "delete", "repeats, counted down", "repeats 0 pauses", "ONCE again"},
    "1.11.4": {"only with the ORM broker", "edit", "delete"},
}


def parts_of(page: Any) -> Iterator[str]:
    yield from (f"column {name}" for name in page.list_display)
    yield from (f"filter {each if isinstance(each, str) else each[0]}" for each in page.list_filter)
    yield from (f"search {name}" for name in page.search_fields)
    yield from (f"action {name}" for name in page.actions)


@pytest.mark.parametrize("chapter", sorted(SAID))
def test_the_table_has_all_of_a_page_and_nothing_else(chapter: str) -> None:
    page = admin.site.get_model_admin(PAGES[chapter]) if chapter in PAGES else None
    wanted = {*SAID[chapter], *(parts_of(page) if page else ())}
    rows = [what for where, what, _ in TABLE if where == chapter]
    assert sorted(rows) == sorted(wanted)


@pytest.mark.parametrize("test", sorted({test for _, _, test in TABLE}))
def test_every_test_of_the_table_exists(test: str) -> None:
    path, name = test.split("::")
    nodes = ast.walk(ast.parse((ROOT / path).read_text()))
    assert name in {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
