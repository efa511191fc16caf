"""What the demo reads out of source files."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexer.analysis import Function, SourceFacts, find_sources, read_facts, summarize

SOURCE = '''\
"""Two of a kind."""  # not a token of its own


class Pair:
    def first(self):
        return 1

    async def second(self):
        value = 2

        return value
'''


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def facts(path: str, tokens: int, longest: Function | None = None) -> SourceFacts:
    return SourceFacts(path=path, lines=10, tokens=tokens, functions=1, classes=0, longest=longest)


def test_a_file_is_counted(tmp_path: Path) -> None:
    path = write(tmp_path, "pair.py", SOURCE)
    assert read_facts(path) == SourceFacts(
        path=str(path), lines=11, tokens=24, functions=2, classes=1, longest=Function(4, "second", 8)
    )


def test_an_empty_file_has_no_longest_function(tmp_path: Path) -> None:
    assert read_facts(write(tmp_path, "empty.py", "")).longest is None


def test_a_declared_encoding_is_obeyed(tmp_path: Path) -> None:
    path = write(tmp_path, "latin.py", "# coding: latin-1\nname = 'é'\n".encode("latin-1"))
    assert read_facts(path).tokens == 3


@pytest.mark.parametrize("text", ["print 'two'\n", b"\xff\xfe", "def f(:\n"])
def test_what_is_no_source_fails(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(SyntaxError):
        read_facts(write(tmp_path, "bad.py", text))


def test_installed_packages_are_left_out(tmp_path: Path) -> None:
    for name in ("b.py", "a/x.py", "site-packages/other.py", "a/dist-packages/y.py", "notes.txt"):
        write(tmp_path, name, "")
    assert find_sources(tmp_path) == [tmp_path / "a/x.py", tmp_path / "b.py"]


def test_the_report_sums_and_sorts() -> None:
    folder = Path("/lib")
    report = summarize(
        [
            facts("/lib/json/a.py", 5, Function(7, "load", 3)),
            facts("/lib/json/b.py", 6),
            facts("/lib/os.py", 9, Function(8, "walk", 1)),
        ],
        {"/lib/bad.py": "SyntaxError: no"},
        folder,
    )
    assert report["totals"] == {"files": 4, "failed": 1, "lines": 30, "tokens": 20, "functions": 3, "classes": 0}
    assert report["packages"] == [("json", 11), ("os", 9)]
    assert [row["where"] for row in report["longest"]] == ["os.py:1", "json/a.py:3"]
    assert report["failures"] == {"bad.py": "SyntaxError: no"}
