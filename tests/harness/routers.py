"""The database routers of test sites."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


class ReplicaRouter:
    """Reads from the database ``default``, a replica that never catches up, and writes to ``primary``."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        """Return the replica."""
        return "default"

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        """Return the database that replicas follow."""
        return "primary"
