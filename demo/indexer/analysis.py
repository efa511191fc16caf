"""What can be learnt from one source file, and from many: pure functions, no Django, no queue."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAYOUT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT, tokenize.ENDMARKER}
FOREIGN_FOLDERS = {"site-packages", "dist-packages"}
TOP = 8


@dataclass(frozen=True, slots=True, order=True)
class Function:
    """A function definition; the longer one is the greater."""

    lines: int
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What one source file holds."""

    path: str
    lines: int
    tokens: int
    functions: int
    classes: int
    longest: Function | None


def find_sources(folder: Path) -> list[Path]:
    """Return every Python source file below a folder, without those of installed packages."""
    found = (path for path in folder.rglob("*.py") if path.is_file())
    return sorted(path for path in found if not FOREIGN_FOLDERS.intersection(path.relative_to(folder).parts))


def read_facts(path: Path) -> SourceFacts:
    """Read and parse a source file; raises SyntaxError or UnicodeDecodeError when it is none."""
    with tokenize.open(path) as file:
        source = file.read()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old files have escapes that Python now warns of
        tree = ast.parse(source, filename=str(path))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return SourceFacts(
        path=str(path),
        lines=source.count("\n"),
        tokens=sum(token.type not in LAYOUT for token in tokenize.generate_tokens(io.StringIO(source).readline)),
        functions=len(functions),
        classes=sum(isinstance(node, ast.ClassDef) for node in ast.walk(tree)),
        longest=max(map(_measure, functions), default=None),
    )


def _measure(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Function:
    return Function((node.end_lineno or node.lineno) - node.lineno + 1, node.name, node.lineno)


def summarize(facts: Iterable[SourceFacts], failures: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """Return the report: totals, the largest packages, the longest functions, and the error of each failed file."""
    facts = list(facts)
    tokens: Counter[str] = Counter()
    for fact in facts:
        tokens[_package(fact.path, folder)] += fact.tokens
    functions = [(fact.longest, _within(fact.path, folder)) for fact in facts if fact.longest]
    return {
        "totals": {
            "files": len(facts) + len(failures),
            "failed": len(failures),
            **{key: sum(getattr(fact, key) for fact in facts) for key in ("lines", "tokens", "functions", "classes")},
        },
        "packages": tokens.most_common(TOP),
        "longest": [
            {"name": function.name, "lines": function.lines, "where": f"{path}:{function.line}"}
            for function, path in sorted(functions, reverse=True)[:TOP]
        ],
        "failures": {_within(path, folder): error for path, error in sorted(failures.items())},
    }


def _within(path: str, folder: Path) -> str:
    return str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path


def _package(path: str, folder: Path) -> str:
    return Path(_within(path, folder)).parts[0].removesuffix(".py")
