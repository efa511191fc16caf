"""The distributions of others, built as wheels and installed by pip into a folder, as on a site."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
#: Each lies in a folder of its own here.
SOURCES = ("reporter", "serializer", "results")


def install(target: Path, work: Path) -> None:
    """Build and install all of them into a folder."""
    install_copies(target, [copy_of(HERE / name, work / name) for name in SOURCES])


def copy_of(source: Path, place: Path) -> Path:
    """Copy a distribution, for building it writes beside it."""
    return shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))


def install_copies(target: Path, copies: Sequence[Path]) -> None:
    """Build and install distributions into a folder, without a network."""
    options = [
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--no-compile",
        "--quiet",
        "--disable-pip-version-check",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(target), *map(str, copies)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_ROOT_USER_ACTION": "ignore"},
    )
    assert done.returncode == 0, f"pip failed:\n{done.stdout}{done.stderr}"
