"""Every text of the commands is marked for translation: seen in a language that puts what is marked in brackets.

The help of a new command is looked at by itself; what it writes takes a line in ``WRITTEN``.
"""

from __future__ import annotations

import re
from io import StringIO
from typing import Final

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand, DjangoHelpFormatter
from django.test import override_settings

from tests.languages.catalogues import messages, packages, template
from tests.languages.pseudo import unmarked, unmarked_in_help

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_brackets")]

COMMANDS: Final = sorted(name for name, app in get_commands().items() if str(app).startswith("djq_"))
DJANGOS: Final = DjangoHelpFormatter.show_last | {"-h"}
#: What stands in the help and is no text of djq.
NAMES: Final = ("Q_CLUSTER", "ALT_CLUSTERS", "SIGTERM")
#: A command, and the one whose words are its data, but for those that are marked: names and values.
WRITTEN: Final = [("djq plugins", "djq plugins --json")]


def written(line: str) -> str:
    out = StringIO()
    call_command(*line.split(), stdout=out, no_color=True)
    return out.getvalue()


def command(name: str) -> BaseCommand:
    return load_command_class(get_commands()[name], name)


def test_there_are_commands() -> None:
    assert {"djq", "qcluster"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_text_of_the_help_is_marked(name: str) -> None:
    parser = command(name).create_parser("manage.py", name)
    assert parser.description
    assert unmarked_in_help(parser, NAMES, known=DJANGOS) == []


@pytest.mark.parametrize(("line", "data"), WRITTEN)
def test_every_text_that_is_written_is_marked(line: str, data: str) -> None:
    marked = {text for package in packages() for _, text in messages(template(package))}
    names = set(re.findall(r"[\w.-]+", written(data))) - marked
    assert unmarked(written(line), names) == []


@override_settings(Q_CLUSTER={"broker": "nothing"})
@pytest.mark.parametrize("name", ["qcluster"])
def test_what_is_wrong_with_the_configuration_is_said_in_english_as_by_the_checks(name: str) -> None:
    with pytest.raises(CommandError, match="No plugin offers the broker 'nothing'"):
        call_command(name)
