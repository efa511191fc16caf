"""The contract of a subcommand."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, ClassVar


class Answer(str):
    """What is to be written, and with which code the command ends; a plain text ends with 0."""

    __slots__ = ("exit_code",)

    exit_code: int

    def __new__(cls, text: str, *, exit_code: int = 0) -> Answer:
        """Return the text with its code."""
        answer = super().__new__(cls, text)
        answer.exit_code = exit_code
        return answer


class Subcommand:
    """Base class: a subcommand answers with a text."""

    name: ClassVar[str]
    help: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add its own options."""

    def run(self, options: Mapping[str, Any]) -> str:
        """Return what is to be written, an :class:`Answer` where the exit code may not be 0.

        Raises ImproperlyConfigured or CommandError.
        """
        raise NotImplementedError
