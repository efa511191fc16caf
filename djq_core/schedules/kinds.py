"""The types of schedules that a person can choose: those of the manual, and those that plugins add (1.8.4)."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from djq_core import current
from djq_core.exceptions import DjqError

TYPE: Final = (
    ("O", _("Once")),
    ("I", _("Minutes")),
    ("H", _("Hourly")),
    ("D", _("Daily")),
    ("W", _("Weekly")),
    ("M", _("Monthly")),
    ("Q", _("Quarterly")),
    ("Y", _("Yearly")),
    ("C", _("Cron")),
)


def choices() -> list[tuple[str, Any]]:
    """Return code and label of each type; those of the manual alone while the configuration cannot be used."""
    try:
        types = current.runtime().registry.schedule_types
    except (DjqError, LookupError):
        types = {}
    return [*TYPE, *((code, kind.label or code) for code, kind in types.items())]
