"""The app of the indexer."""

from __future__ import annotations

from django.apps import AppConfig


class IndexerConfig(AppConfig):
    """The app of the indexer."""

    name = "indexer"
    default_auto_field = "django.db.models.BigAutoField"
