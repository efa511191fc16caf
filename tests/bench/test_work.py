"""The one task, and the file that it appends to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench import work

ROOT = Path(__file__).parents[2]


def test_each_run_is_one_line_of_the_shared_file(tmp_path: Path) -> None:
    file = tmp_path / "runs"
    assert work.count(file) == 0
    code = "from bench.work import append; append(7); append(123456789, 2)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, work.FILE: str(file)}, check=True)
    first, second = work.runs(file)
    assert work.count(file) == 2
    assert (first.number, second.number) == (7, 123456789)
    assert first.started == first.ended <= second.started
    assert second.ended - second.started >= 2000
