"""The contract of a subcommand."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, ClassVar


class Subcommand:
    """Base class: a subcommand answers with a text."""

    name: ClassVar[str]
    #: In English, marked with ``gettext_noop``; it is translated when it is shown.
    help: ClassVar[str]

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add its own options."""

    def run(self, options: Mapping[str, Any]) -> str:
        """Return what is to be written; raise ImproperlyConfigured or CommandError."""
        raise NotImplementedError
