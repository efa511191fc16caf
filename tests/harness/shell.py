"""A process inside a site: calls functions of ``tests.harness.inside`` there, for a test that stays outside."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO


class Shell:
    """The test's side: one line of JSON there, one line back."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._errors = (folder / "shell.log").open("ab")
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.shell"],
            cwd=folder,
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )

    def call(self, name: str, /, *args: object, seconds: float = 60.0, **kwargs: object) -> Any:
        """Call a function inside the site and return what it returns; fail with its traceback, or after ``seconds``."""
        stdin, stdout = self._popen.stdin, self._popen.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps([name, args, kwargs]).encode() + b"\n")
        stdin.flush()
        if not select.select([stdout], [], [], seconds)[0]:
            raise AssertionError(f"{name}{args} did not return within {seconds} s")
        answer = json.loads(stdout.readline() or '{"error": "the shell has ended, see shell.log"}')
        assert "error" not in answer, f"{name}{args} raised inside the site:\n{answer['error']}"
        return answer["value"]

    def close(self) -> None:
        """End the process."""
        self._popen.kill()
        for stream in (self._popen.stdin, self._popen.stdout, self._errors):
            if stream is not None:
                stream.close()
        self._popen.wait()


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer calls until there are none."""
    import django

    django.setup()
    from tests.harness import inside

    for line in requests:
        name, args, kwargs = json.loads(line)
        answers.write(json.dumps(_answer(getattr(inside, name), args, kwargs), default=repr) + "\n")
        answers.flush()


def _answer(function: Any, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": function(*args, **kwargs)}
    except Exception:
        return {"error": traceback.format_exc()}


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "w") as protocol:
        os.dup2(2, 1)
        serve(sys.stdin, protocol)
