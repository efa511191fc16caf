"""The form of a schedule (manual 1.11.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from djq_core import current
from djq_core.cluster.functions import find_function
from djq_core.cluster.runs import Q_OPTIONS
from djq_core.exceptions import FunctionNotFound
from djq_core.models import Schedule
from djq_core.schedules.literals import read_kwargs
from djq_core.schedules.problems import is_path
from djq_core.tasks.scheduling import check_q_options

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Schedule]
else:
    _ModelForm = forms.ModelForm


class ScheduleForm(_ModelForm):
    """Refuses what ``schedule()`` refuses, and a function that is not there."""

    def clean(self) -> None:
        """Look for what the model cannot: functions, and the options of the tasks."""
        super().clean()
        for field in ("func", "hook"):
            self._check_found(field)
        try:
            check_q_options(_options_in(self.cleaned_data.get("kwargs")))
        except (TypeError, ValueError) as error:
            self.add_error("kwargs", str(error))

    def _check_found(self, field: str) -> None:
        """Refuse a path behind which this site has nothing; one that was there already is left alone."""
        path = self.cleaned_data.get(field)
        allowed = current.runtime().conf.allowed_functions
        if not path or field not in self.changed_data or not is_path(path) or (allowed and not allowed.allows(path)):
            return
        if told := _why_not_found(path):
            self.add_error(field, ValidationError(told))


def _why_not_found(path: str) -> str | None:
    try:
        if current.runtime().hooks.resolve_function(path) is None:
            find_function(path)
    except FunctionNotFound as error:
        if isinstance(error.__cause__, ImportError):
            return _("Importing “%(path)s” failed: %(error)s.") % {"path": path, "error": error.__cause__}
        return _("There is no function “%(path)s” here. Is it spelled right?") % {"path": path}
    except Exception as error:  # a module of the site, or a plugin, may raise anything
        return _("Importing “%(path)s” failed: %(error)s.") % {"path": path, "error": repr(error)}
    return None


def _options_in(kwargs: str | None) -> object:
    try:
        return read_kwargs(kwargs).get(Q_OPTIONS)
    except ValueError:  # the model says so
        return None
