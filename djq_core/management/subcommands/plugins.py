"""``manage.py djq plugins``: the installed plugins, broken and disabled ones too."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from django.utils.translation import gettext as _

from djq_core.conf import Problem
from djq_core.current import app_config
from djq_core.management.subcommands.base import Subcommand
from djq_core.phrases import gettext_noop, in_words
from djq_core.plugins import PluginRecord, discover

_STATUSES: Final = (gettext_noop("loaded"), gettext_noop("broken"), gettext_noop("disabled"))
_KINDS: Final = (
    gettext_noop("brokers"),
    gettext_noop("result backends"),
    gettext_noop("serializers"),
    gettext_noop("error reporters"),
    gettext_noop("schedule types"),
)


class Plugins(Subcommand):
    """List name, distribution, version, status, hooks, keys and capabilities of each plugin."""

    name: ClassVar[str] = "plugins"
    help: ClassVar[str] = gettext_noop("List the installed plugins.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--json``."""
        parser.add_argument("--json", action="store_true", help=_("Write JSON."))

    def run(self, options: Mapping[str, Any]) -> str:
        """Return the list; nothing in it is secret."""
        conf = app_config().conf
        registry = discover(conf)
        problems = registry.problems(conf)
        return _as_json(registry.plugins, problems) if options["json"] else _as_text(registry.plugins, problems)


def _as_json(records: Sequence[PluginRecord], problems: Sequence[Problem]) -> str:
    told = [{"code": each.code, "key": each.key, "message": each.message, "hint": each.hint} for each in problems]
    return json.dumps({"plugins": [record.as_dict() for record in records], "problems": told}, indent=2)


def _as_text(records: Sequence[PluginRecord], problems: Sequence[Problem]) -> str:
    rows = [(_("NAME"), _("DISTRIBUTION"), _("VERSION"), _("STATUS"))]
    rows += [(record.name, record.distribution, record.version, _(record.status)) for record in records]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines = table[:1]
    for line, record in zip(table[1:], records, strict=True):
        lines += [line, *(f"  {detail}" for detail in _details(record))]
    return "\n".join([*lines, *(f"{each.code}: {each}" for each in problems)])


def _details(record: PluginRecord) -> Iterator[str]:
    if record.error:
        told = in_words(record.error)
        yield f"{_('error')}: {told}" if record.status == "broken" else told
    for kind, names in record.offers.items():
        yield f"{_(kind.replace('_', ' '))}: {', '.join(names)}"
    for broker, flags in record.capabilities.items():
        told = _("capabilities of %(broker)s") % {"broker": broker}
        yield f"{told}: {', '.join(flags) or _('none')}"
    if record.keys:
        yield f"{_('keys')}: {', '.join(record.keys)}"
    if record.hooks:
        yield f"{_('hooks')}: {', '.join(record.hooks)}"
