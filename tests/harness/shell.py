"""A process inside a site: calls functions of ``tests.harness.inside`` there, for a test that stays outside."""

from __future__ import annotations

import json
import os
import select
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from tests.harness.forks import zygote


class Shell:
    """The test's side: one line of JSON there, one line back."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._errors = (folder / "shell.log").open("ab")
        requests, answers = os.pipe(), os.pipe()
        files = (requests[0], answers[1], self._errors.fileno())
        self._process = zygote().start("tests.harness.shell", [], folder, {**os.environ, **env}, files)
        os.close(requests[0])
        os.close(answers[1])
        self._requests, self._answers = os.fdopen(requests[1], "wb"), os.fdopen(answers[0], "rb")

    def call(self, name: str, /, *args: object, seconds: float = 60.0, **kwargs: object) -> Any:
        """Call a function inside the site and return what it returns; fail with its traceback, or after ``seconds``."""
        self._requests.write(json.dumps([name, args, kwargs]).encode() + b"\n")
        self._requests.flush()
        if not select.select([self._answers], [], [], seconds)[0]:
            raise AssertionError(f"{name}{args} did not return within {seconds} s")
        answer = json.loads(self._answers.readline() or '{"error": "the shell has ended, see shell.log"}')
        assert "error" not in answer, f"{name}{args} raised inside the site:\n{answer['error']}"
        return answer["value"]

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        for stream in (self._requests, self._answers, self._errors):
            with suppress(BrokenPipeError):  # what was not written any more
                stream.close()
        self._process.wait()


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
