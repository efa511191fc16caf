"""``manage.py djq``: look at what djq is made of here."""

from __future__ import annotations

import sys
from argparse import SUPPRESS
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from djq_core.management.base import TranslatedCommand
from djq_core.management.subcommands.base import Subcommand
from djq_core.management.subcommands.doctor import Doctor
from djq_core.management.subcommands.explain import Explain
from djq_core.management.subcommands.health import HealthOf
from djq_core.management.subcommands.plugins import Plugins
from djq_core.phrases import gettext_noop, in_words

_SUBCOMMANDS: Final[dict[str, Subcommand]] = {each.name: each for each in (Plugins(), Doctor(), Explain(), HealthOf())}


class Command(TranslatedCommand):
    """Hand over to a subcommand; system checks are left out, for it is asked when something is wrong."""

    help = gettext_noop("Show what djq is made of in this project.")
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add a parser for each subcommand."""
        subparsers = parser.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)
        for name, subcommand in _SUBCOMMANDS.items():
            described = subparsers.add_parser(name, help=_(subcommand.help), parents=[_common()])
            subcommand.add_arguments(described)

    def handle(self, *args: Any, **options: Any) -> None:
        """Write what the subcommand answers, and end with its exit code."""
        try:
            answer = _SUBCOMMANDS[options["subcommand"]].run(options)
        except ImproperlyConfigured as error:
            raise CommandError(in_words(error)) from error
        self.stdout.write(answer)
        if exit_code := getattr(answer, "exit_code", 0):
            sys.exit(exit_code)


def _common() -> CommandParser:
    """Return the options of all Django's commands, which may follow the subcommand too; its help leaves them out."""
    common = CommandParser(add_help=False, argument_default=SUPPRESS)
    common.add_argument("-v", "--verbosity", type=int, choices=range(4), help=SUPPRESS)
    for name in ("--settings", "--pythonpath"):
        common.add_argument(name, help=SUPPRESS)
    for name in ("--traceback", "--no-color", "--force-color"):
        common.add_argument(name, action="store_true", help=SUPPRESS)
    return common
