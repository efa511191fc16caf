"""The demo as a stranger sees it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEMO = Path(__file__).resolve().parent.parent.parent / "demo"


@contextmanager
def running(var: Path, folder: str | Path) -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    process = subprocess.Popen(
        [sys.executable, "-u", "run.py", str(folder)],
        cwd=DEMO,
        env={**environment, "DEMO_VAR": str(var), "COLUMNS": "200"},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def cluster_pid(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"qcluster, process (\d+)", line):
            return int(found[1])
    raise AssertionError("the demo started no cluster")


def is_gone(group: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_it_prints_the_report_with_the_failure_and_ends(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    for number in range(5):
        (sources / f"good_{number}.py").write_text("def answer():\n    return 42\n" * (number + 1))
    (sources / "bad.py").write_text("print 'two'\n")
    with running(tmp_path / "var", sources) as process:
        text, _ = process.communicate(timeout=100)
    assert process.returncode == 0, text
    assert re.search(r"\b6 files in .* 30 lines, .* 15 functions, .* 1 failed", text)
    assert re.search(r"bad\.py .*SyntaxError: Missing parentheses", text)
    assert "Traceback (most recent call last):" in text
    assert "exit code 0, and no process is left" in text


def test_it_leaves_no_process_when_it_is_told_to_end_early(tmp_path: Path) -> None:
    with running(tmp_path / "var", sysconfig.get_path("stdlib")) as process:
        group = cluster_pid(process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 1
    assert is_gone(group, 5.0)


def test_it_says_so_when_the_cluster_is_killed(tmp_path: Path) -> None:
    with running(tmp_path / "var", sysconfig.get_path("stdlib")) as process:
        group = cluster_pid(process)
        os.kill(group, signal.SIGKILL)
        text, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "qcluster ended with -9" in text
    assert is_gone(group, 10.0)
