"""The log has the manual's form unless the site has its own."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from djq_core.cluster.logs import configure

LOGGER = logging.getLogger("djq")


@pytest.fixture(autouse=True)
def own_logger() -> Iterator[None]:
    """Give the logger of a fresh process, and the tests' own back."""
    before = (LOGGER.handlers[:], LOGGER.level, LOGGER.propagate)
    LOGGER.handlers, LOGGER.propagate = [], True
    yield
    LOGGER.handlers, LOGGER.propagate = before[0], before[2]
    LOGGER.setLevel(before[1])


def test_lines_have_the_form_of_the_manual(capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO")
    LOGGER.info("%s ready for work at %s", "red-fox:1", 42)
    LOGGER.debug("not this")
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[Q\] INFO red-fox:1 ready for work at 42\n", capsys.readouterr().err)


def test_no_name_and_no_traceback_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO")
    try:
        raise ValueError("a\x1b[31m\x9b1m\u202e\tb\r")
    except ValueError:
        LOGGER.exception("Failed [%s]", "é\x1b]0;c\x07")
    told = capsys.readouterr().err
    assert "Failed [é�]0;c�]\nTraceback" in told
    assert told.endswith("ValueError: a�[31m�1m�\tb�\n")


def test_the_level_is_the_configured_one(capsys: pytest.CaptureFixture[str]) -> None:
    configure("ERROR")
    LOGGER.warning("not this")
    LOGGER.error("this")
    assert capsys.readouterr().err.endswith("[Q] ERROR this\n")


def test_a_second_call_adds_nothing() -> None:
    configure("INFO")
    configure("INFO")
    assert len(LOGGER.handlers) == 1


def test_a_site_that_has_configured_the_logger_keeps_it() -> None:
    own = logging.NullHandler()
    LOGGER.addHandler(own)
    LOGGER.setLevel("WARNING")
    configure("DEBUG")
    assert (LOGGER.handlers, LOGGER.level, LOGGER.propagate) == ([own], logging.WARNING, True)
