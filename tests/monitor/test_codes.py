"""Every code that a program may meet is documented."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "doctor.md").read_text()
MONITOR = ROOT / "djq_core" / "monitor"
PLUGINS = sorted((ROOT / "plugins").glob("djq_*/djq_*/**/*.py"))


def calls(path: Path, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node


def texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)


def causes() -> set[str]:
    found = [call.args[0] for path in MONITOR.glob("*.py") for call in calls(path, "fine", "trouble")]
    return {text for node in found for text in texts(node)}


def findings() -> set[str]:
    made = [call for path in [*MONITOR.rglob("*.py"), *PLUGINS] for call in calls(path, "Finding")]
    return {text for call in made for word in call.keywords if word.arg == "code" for text in texts(word.value)}


def test_every_cause_is_documented() -> None:
    assert len(causes()) > 15
    rows = {
        code for cell in re.findall(r"^\| (`[^|]+`) \|", PAGE, re.MULTILINE) for code in re.findall("`([^`]+)`", cell)
    }
    assert causes() <= rows


def test_every_finding_is_documented() -> None:
    assert len(findings()) > 20
    assert {code for code in findings() if f"`{code}`" not in PAGE} == set()
