"""What a user can name is documented: hooks, settings, checks, errors, commands."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from djq_core import exceptions
from djq_core.conf import CORE_KEYS, KNOWN_PLUGIN_KEYS
from djq_core.plugins.specs import HookSpecs

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SOURCES = [
    path
    for folder in (ROOT / "djq_core", *ROOT.glob("plugins/*/djq_*"))
    for path in folder.rglob("*.py")
    if "migrations" not in path.parts
]
CHECK_ID = re.compile(r"djq(?:_[a-z]+)?\.[EW]\d{3}")
READMES = [ROOT / "README.md", *sorted(ROOT.glob("plugins/*/README.md"))]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]


def page(name: str) -> str:
    return (DOCS / name).read_text()


def hooks() -> list[str]:
    return sorted(name for name in vars(HookSpecs) if name.startswith("djq_"))


def errors() -> list[str]:
    classes = inspect.getmembers(exceptions, inspect.isclass)
    return [name for name, kind in classes if kind.__module__ == exceptions.__name__]


def check_ids() -> set[str]:
    return {found for path in SOURCES for text in string_constants(path) for found in CHECK_ID.findall(text)}


def string_constants(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def links(path: Path) -> list[str]:
    targets = re.findall(r"\]\(([^)\s]+)\)", path.read_text())
    return [target.partition("#")[0] for target in targets if "://" not in target and not target.startswith("#")]


@pytest.mark.parametrize("hook", hooks())
def test_every_hook_is_documented(hook: str) -> None:
    assert re.search(rf"`{hook}\b", page("hooks.md")), f"docs/hooks.md does not name {hook}"


@pytest.mark.parametrize("hook", hooks())
def test_every_hook_says_since_when_it_is_there(hook: str) -> None:
    assert ".. versionadded::" in (inspect.getdoc(getattr(HookSpecs, hook)) or "")


@pytest.mark.parametrize("key", sorted({*CORE_KEYS, *KNOWN_PLUGIN_KEYS}))
def test_every_setting_is_documented(key: str) -> None:
    assert f"`{key}`" in page("settings.md"), f"docs/settings.md does not name {key}"


def test_every_check_is_documented_and_every_documented_check_exists() -> None:
    assert set(CHECK_ID.findall(page("checks.md"))) == check_ids()


@pytest.mark.parametrize("error", errors())
def test_every_error_is_documented(error: str) -> None:
    assert f"`{error}`" in page("errors.md"), f"docs/errors.md does not name {error}"


def test_every_documented_error_exists() -> None:
    first_cells = re.findall(r"^\| `(\w+)` \|", page("errors.md"), re.MULTILINE)
    assert sorted(first_cells) == sorted(set(errors()) - {"DjqError"})


@pytest.mark.parametrize("error", errors())
def test_every_error_explains_itself(error: str) -> None:
    kind = getattr(exceptions, error)
    assert len(inspect.getdoc(kind) or "") > 10
    assert kind.__doc__ is not None


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_inside_the_repository_leads_somewhere(path: Path) -> None:
    assert [target for target in links(path) if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.parent.name)
def test_a_package_index_shows_a_readme_without_broken_links(path: Path) -> None:
    assert links(path) == [], "a link to another file of the repository leads nowhere there: name the page in words"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_make_command_that_is_named_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = re.findall(r"(?:`|^\$ )make ([a-z][a-z -]*?)(?=`|\s{2}|$| [A-Z])", path.read_text(), re.MULTILINE)
    assert {word for command in commands for word in command.split()} <= targets


def test_every_page_is_in_the_table_of_contents() -> None:
    listed = re.findall(r"^([a-z]+)$", page("index.md"), re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in DOCS.glob("*.md") if path.stem != "index")
