"""The keys of ``Q_CLUSTER`` that belong to the ORM broker."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections

from djq_core.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class OrmOptions:
    """The validated keys (manual 1.2.23).

    ``orm`` is the alias of the database that holds the queue. With ``has_replica`` the database routers name the alias
    to write the queue to, and every statement, reads included, goes there; ``orm`` stands where they have no opinion.
    """

    orm: str = DEFAULT_DB_ALIAS
    has_replica: bool = False

    @classmethod
    def from_keys(cls, keys: Mapping[str, Any]) -> OrmOptions:
        """Return the options of the plugin's slice of ``Q_CLUSTER``; raise ConfigurationError."""
        if not apps.is_installed("djq_orm"):
            raise ConfigurationError("The ORM broker needs 'djq_orm' in INSTALLED_APPS (and then a migrate).")
        options = cls(**keys)
        _check_alias(options.orm)
        if not isinstance(options.has_replica, bool):
            raise ConfigurationError(f"Q_CLUSTER['has_replica'] is {options.has_replica!r}; it takes True or False.")
        return options


def _check_alias(alias: object) -> None:
    known = list(connections)
    if not isinstance(alias, str):
        raise ConfigurationError(
            f"Q_CLUSTER['orm'] is {alias!r}; it takes the alias of a database, one of: {', '.join(known)}."
        )
    if alias not in known:
        near = difflib.get_close_matches(alias, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(
            f"Q_CLUSTER['orm'] names the database {alias!r}, which DATABASES does not have; "
            f"it has: {', '.join(known)}.{hint}"
        )
