"""What is wrong with the fields of a schedule, in words for the person who has filled in the form (manual 1.11.3)."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from djq_core.exceptions import FunctionNotAllowed
from djq_core.phrases import in_words
from djq_core.schedules.due import check_cron
from djq_core.schedules.literals import read_args, read_kwargs


def problems_of(row: Any, check_allowed: Callable[[str], object]) -> dict[str, str]:
    """Return a message for each field of a schedule that cannot be meant.

    ``check_allowed`` raises FunctionNotAllowed for a dotted path that this site does not run.
    """
    checks: Mapping[str, Callable[[Any], str | None]] = {
        "func": lambda path: _of_path(path, check_allowed),
        "hook": lambda path: _of_path(path, check_allowed),
        "args": lambda text: _raised_by(read_args, text),
        "kwargs": lambda text: _raised_by(read_kwargs, text),
        "minutes": lambda minutes: _of_minutes(row.schedule_type, minutes),
        "cron": lambda expression: _of_cron(row.schedule_type, expression),
        "intended_date_kwarg": _of_keyword,
    }
    found = {field: check(getattr(row, field)) for field, check in checks.items()}
    return {field: message for field, message in found.items() if message}


def is_path(text: str) -> bool:
    """Is this ``package.module.function``?"""
    names = text.split(".")
    return len(names) > 1 and all(name.isidentifier() and not keyword.iskeyword(name) for name in names)


def _of_path(path: str | None, check_allowed: Callable[[str], object]) -> str | None:
    if not path:
        return None
    if not is_path(path):
        return _("“%(path)s” is no dotted path: write package.module.function.") % {"path": path}
    try:
        check_allowed(path)
    except FunctionNotAllowed:
        text = _("“%(path)s” is not on the list of functions that may run here, allowed_functions in Q_CLUSTER.")
        return text % {"path": path}
    return None


def _raised_by(check: Callable[[Any], object], value: Any) -> str | None:
    try:
        check(value)
    except ValueError as error:
        return str(in_words(error))
    return None


def _of_minutes(kind: str, minutes: int | None) -> str | None:
    if kind == "I" and not minutes:
        return _("Say how many minutes pass between two runs, or choose another schedule type.")
    return None


def _of_cron(kind: str, expression: str | None) -> str | None:
    if kind != "C":
        return None
    try:
        return _raised_by(check_cron, expression or "")
    except ImportError:
        return _("Cron schedules need the package croniter, which is not installed: pip install 'djq-core[cron]'.")


def _of_keyword(name: str | None) -> str | None:
    if name and (not name.isidentifier() or keyword.iskeyword(name)):
        return _("“%(name)s” cannot be the name of a keyword argument.") % {"name": name}
    return None
