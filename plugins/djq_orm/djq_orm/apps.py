"""The Django app that brings the queue's table."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrmConfig(AppConfig):
    """The Django app ``djq_orm``."""

    name = "djq_orm"
    label = "djq_orm"
    verbose_name = _("Django Q queue")
    default_auto_field = "django.db.models.BigAutoField"
