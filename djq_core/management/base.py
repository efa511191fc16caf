"""What the commands of djq have in common."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation
from django.utils.translation import gettext


class TranslatedCommand(BaseCommand):
    """Base class: ``help`` is English, marked with ``gettext_noop``, and shown in the reader's language."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: object) -> CommandParser:
        """Return the parser of the command line, its description translated."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.description = gettext(self.help) if self.help else None
        return parser


def language_of(options: Mapping[str, Any]) -> AbstractContextManager[object]:
    """Speak English where JSON is asked for, which programs read, else the language of the reader."""
    return translation.override(None) if options["json"] else nullcontext()
