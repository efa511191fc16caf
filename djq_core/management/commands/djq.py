"""``manage.py djq``: look at what djq is made of here."""

from __future__ import annotations

import sys
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from djq_core.management.subcommands.base import Subcommand
from djq_core.management.subcommands.health import HealthOf
from djq_core.management.subcommands.plugins import Plugins

_SUBCOMMANDS: Final[dict[str, Subcommand]] = {each.name: each for each in (HealthOf(), Plugins())}


class Command(BaseCommand):
    """Hand over to a subcommand; system checks are left out, for it is asked when something is wrong."""

    help = "Show what djq is made of in this project."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add a parser for each subcommand."""
        subparsers = parser.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)
        for name, subcommand in _SUBCOMMANDS.items():
            subcommand.add_arguments(subparsers.add_parser(name, help=subcommand.help))

    def handle(self, *args: Any, **options: Any) -> None:
        """Write what the subcommand answers, and end with its exit code."""
        try:
            answer = _SUBCOMMANDS[options["subcommand"]].run(options)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        self.stdout.write(answer)
        if exit_code := getattr(answer, "exit_code", 0):
            sys.exit(exit_code)
