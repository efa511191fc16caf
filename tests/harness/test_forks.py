"""The processes of a site are forked, and behave like those that are started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import forks
from tests.harness.procs import PROC
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.skipif(not PROC.joinpath("self").exists(), reason="processes are watched through /proc")


def place(folder: Path, code: str) -> dict[str, str]:
    folder.joinpath("made_here.py").write_text(code)
    return {"PYTHONPATH": str(folder), "GIVEN": "a value"}


def test_a_fork_has_all_that_it_was_given(tmp_path: Path) -> None:
    code = (
        "import os, sys; print(sys.argv[1:], os.getcwd(), sorted(os.environ), os.getsid(0) == os.getpid()); sys.exit(3)"
    )
    made = forks.start("made_here", ["one", "two"], tmp_path, tmp_path / "log", place(tmp_path, code))
    assert made.wait(10) == 3
    assert made.poll() == 3
    assert tmp_path.joinpath("log").read_text() == f"['one', 'two'] {tmp_path} ['GIVEN', 'PYTHONPATH'] True\n"


def test_an_error_and_a_signal_are_told_apart(tmp_path: Path) -> None:
    made = forks.start("made_here", [], tmp_path, tmp_path / "log", place(tmp_path, "raise ValueError('what')"))
    assert made.wait(10) == 1
    assert "ValueError: what" in tmp_path.joinpath("log").read_text()
    made = forks.start("made_here", [], tmp_path, tmp_path / "log", place(tmp_path, "import time; time.sleep(60)"))
    with pytest.raises(subprocess.TimeoutExpired):
        made.wait(0.05)
    made.kill()
    assert made.wait(10) == -signal.SIGKILL


def test_no_fork_outlives_the_test_process(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal; from tests.harness import forks; folder = pathlib.Path(os.environ['PYTHONPATH']);"
        "made = forks.start('made_here', [], folder, folder / 'log', dict(os.environ));"
        "print(made.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, **place(tmp_path, "import time; time.sleep(60)")}
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=forks.ROOT, env=environment, capture_output=True, timeout=60, check=False
    )
    pid = int(told.stdout)
    wait_until(lambda: not PROC.joinpath(str(pid)).exists(), 10, "the fork has ended")
