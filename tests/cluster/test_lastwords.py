"""The pipe for the last stacks of a worker."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from djq_core.cluster.lastwords import LastWords


@pytest.fixture
def words() -> Iterator[LastWords]:
    with closing(LastWords(multiprocessing.get_context())) as made:
        yield made


def test_what_was_written_is_taken_once(words: LastWords) -> None:
    os.write(words.writer.fileno(), b'Fatal Python error: Aborted\n\n  File "tasks.py", line 1 in \xff\n')
    assert words.take().splitlines()[0] == "Fatal Python error: Aborted"
    assert words.take() == ""


def test_a_dead_writer_has_left_nothing(words: LastWords) -> None:
    words.writer.close()
    assert words.take() == ""


def test_a_full_pipe_holds_up_nobody_and_little_of_it_is_kept(words: LastWords) -> None:
    with suppress(BlockingIOError):
        for _ in range(10_000):
            os.write(words.writer.fileno(), b"line\n" * 100)
    assert words.take() == "\n".join(["line"] * 60)
