"""No finding, trouble or cause is told in a sentence that is not marked, not even one that no test shows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.languages.catalogues import ROOT

#: What people are told with, and how many of its arguments are names for programs.
TELLERS = {"Finding": 0, "Trouble": 0, "Cause": 0, "fine": 1, "trouble": 1}
SAID = frozenset({"message", "remedy", "headline", "details"})
SOURCES = sorted(
    path
    for folder in ("djq_core", "plugins/djq_orm/djq_orm")
    for path in (ROOT / folder).rglob("*.py")
    if "Finding" in path.read_text() or "monitor" in path.parts
)


def unmarked_in(source: str) -> Iterator[str]:
    """Yield the words that are handed to a teller as they are."""
    for call in ast.walk(ast.parse(source)):
        name = getattr(call.func, "id", "") if isinstance(call, ast.Call) else ""
        if isinstance(call, ast.Call) and name in TELLERS:
            told = [*call.args[TELLERS[name] :], *(each.value for each in call.keywords if each.arg in SAID)]
            yield from (text for each in told for text in _literals(each))


def _literals(node: ast.expr) -> Iterator[str]:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    for part in parts:
        if isinstance(part, ast.Constant) and re.search(r"[^\W\d_]{2,}", str(part.value or "")):
            yield str(part.value)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_sentence_is_marked(path: Path) -> None:
    assert list(unmarked_in(path.read_text())) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('Finding(code="a-b", message="It is so.", remedy=_("Do it."))', ["It is so."]),
        ('Finding(code="a", message=f"{name}: {_(word)}")', []),
        ('Trouble(code="a", message=f"{name} is away.", remedy="")', [" is away."]),
        ('trouble("code", "It is so.", *details, remedy=told)', ["It is so."]),
        ('fine("code", _("It is so."), detail)', []),
    ],
)
def test_an_unmarked_sentence_is_found(source: str, found: list[str]) -> None:
    assert list(unmarked_in(source)) == found
