"""The rules of the house that no import contract can hold."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "djq_core"
SOURCES = sorted(path for path in CORE.rglob("*.py") if "migrations" not in path.parts)
LONGEST_FILE = 300
#: Of a test: the characters of its name, which pytest keeps in a variable of the environment.
LONGEST_NAME, SHOWN = 1_000, 200

LOOK_AROUND = """
import os, signal, sys, threading
def state():
    return (
        threading.active_count(),
        sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else [],
        [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGCHLD)],
        dict(os.environ),
    )
"""


def name(path: Path) -> str:
    return str(path.relative_to(CORE))


def asks_broker(path: Path, *methods: str) -> bool:
    """Is one of the methods called on something that is named a broker?"""
    calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    asked = (call.value for call in calls if isinstance(call, ast.Attribute) and call.attr in methods)
    return any("broker" in ast.unparse(value).lower() for value in asked)


def reads_surroundings(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "django.conf":
            return True
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}:
            return True
    return False


def modules() -> list[str]:
    parts = (path.relative_to(ROOT).with_suffix("").parts for path in SOURCES if path.stem != "__main__")
    return sorted(".".join(part for part in each if part != "__init__") for each in parts)


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ), text=True, capture_output=True, check=False
    )


def test_only_the_app_reads_settings_and_environment() -> None:
    readers = {name(path) for path in SOURCES if reads_surroundings(path)}
    assert {reader for reader in readers if not reader.startswith("testing/")} == {"apps.py"}


def test_only_the_pusher_fetches() -> None:
    who_does = {name(path) for path in SOURCES if asks_broker(path, "receive", "dequeue")}
    assert {who for who in who_does if not who.startswith("testing/")} == {"cluster/pusher.py"}


def test_only_the_monitor_acknowledges() -> None:
    who_does = {name(path) for path in SOURCES if asks_broker(path, "acknowledge", "acknowledge_many")}
    assert {who for who in who_does if not who.startswith("testing/")} == {"cluster/answering.py"}


def test_the_name_of_a_test_fits_into_the_environment_of_what_it_starts(request: pytest.FixtureRequest) -> None:
    longest = max((item.nodeid for item in request.session.items), key=len)
    assert len(longest) < LONGEST_NAME, longest[:SHOWN]


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


def test_plugin_authors_need_no_django_to_mark_their_hooks() -> None:
    done = run("import sys; from djq_core import hookimpl; print([name for name in sys.modules if 'django' in name])")
    assert done.stdout.strip() == "[]", done.stderr


def test_imports_do_nothing() -> None:
    loads = "; ".join(f"import {module}" for module in modules())
    check = f"before = state()\n{loads}\nassert state() == before, (before, state())"
    code = f"{LOOK_AROUND}\nimport django; django.setup()\n{check}"
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_tests_of_a_file_stay_with_one_process(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("loadgroup", default=False):  # pytest-xdist has groups at the end of each id then
        assert request.node.nodeid.endswith(f"@{Path(__file__).relative_to(ROOT)}")


@pytest.mark.parametrize("file", sorted(ROOT.glob("plugins/*/pyproject.toml")), ids=lambda path: path.parent.name)
def test_every_distribution_brings_the_licence(file: Path) -> None:
    project = tomllib.loads(file.read_text())["project"]
    assert project["license-files"] == ["LICENSE"]
    assert (file.parent / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
