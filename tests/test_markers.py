"""What a plugin author imports costs nothing: no Django, no settings."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import djq_core

ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import sys
from djq_core import hookimpl

@hookimpl
def djq_ready(conf): ...

assert djq_ready.djq_impl
print(*(name for name in sys.modules if name.split(".")[0] in ("django", "arrow")))
"""


def test_the_marks_need_no_django() -> None:
    environment = {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert djq_core.__version__ == project["version"]
