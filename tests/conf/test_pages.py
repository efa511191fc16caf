"""The pages on settings and checks say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from djq_core.checks import CATALOGUE
from djq_core.conf import KEYS, KNOWN_PLUGIN_KEYS, Key

DOCS = Path(__file__).resolve().parents[2] / "docs"


def rows(page: str) -> dict[str, list[str]]:
    """Return the cells of each table row of a page by its first cell, which is code."""
    lines = (DOCS / page).read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines if line.startswith("| `")]
    return {first.strip("`"): rest for first, *rest in cells}


@pytest.mark.parametrize("key", KEYS.values(), ids=lambda key: key.name)
def test_a_key_is_explained_with_its_values_and_default(key: Key) -> None:
    value, default, meaning, _ = rows("settings.md")[key.name]
    assert default == f"`{key.default!r}`"
    assert len(meaning) > 30
    if key.name != "start_method":  # the platform has its own
        assert value == key.kind.text


@pytest.mark.parametrize(("key", "distribution"), KNOWN_PLUGIN_KEYS.items())
def test_a_key_of_a_plugin_is_explained_with_its_distribution(key: str, distribution: str) -> None:
    assert rows("settings.md")[key][0] == distribution


@pytest.mark.parametrize(("code", "line"), CATALOGUE.items())
def test_a_check_is_explained_in_the_words_of_the_catalogue(code: str, line: str) -> None:
    meaning, remedy = rows("checks.md")[code]
    assert meaning == line
    assert remedy.endswith(".")


def test_every_section_of_the_manual_is_there() -> None:
    named = {match for cells in rows("settings.md").values() for match in re.findall(r"^1\.2\.\d+$", cells[-1])}
    assert named == {f"1.2.{number}" for number in range(1, 34)}
