"""The contract of a subcommand."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Answer:
    """A text that comes with an exit code, 0 for all is well."""

    text: str
    exitcode: int = 0


class Subcommand:
    """Base class: a subcommand answers with a text, with an :class:`Answer` where its exit code tells something."""

    name: ClassVar[str]
    help: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add its own options."""

    def run(self, options: Mapping[str, Any]) -> str | Answer:
        """Return what is to be written; raise ImproperlyConfigured or CommandError."""
        raise NotImplementedError
