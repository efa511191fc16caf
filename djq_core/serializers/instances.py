"""Model instances by their primary key: written as what leads to the row, and fetched again where they are read."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from django.utils.connection import ConnectionDoesNotExist

from djq_core.exceptions import DeserializationError, InstanceGone


def reference(instance: Model) -> tuple[str, Any, str]:
    """Return the label of the model, the primary key and the database alias; raise TypeError for one never saved."""
    if instance.pk is None or instance._state.adding:
        raise TypeError(
            f"the {instance._meta.object_name} was never saved, or was deleted, so that no primary key leads to it"
        )
    return instance._meta.label_lower, instance.pk, instance._state.db or DEFAULT_DB_ALIAS


def fetch(label: str, key: Any, alias: str) -> Model:
    """Return the row as it is now; raise InstanceGone where there is none, DeserializationError without the model."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError) as error:
        raise DeserializationError(f"There is no model {label!r} here: {error}") from error
    try:
        return model._base_manager.using(alias).get(pk=key)  # type: ignore[no-any-return]
    except model.DoesNotExist as error:
        raise InstanceGone(
            f"No {label} has the primary key {key!r} in the database {alias!r}: it was deleted after it was sent, or "
            "the transaction that made it is not committed."
        ) from error
    except ConnectionDoesNotExist as error:
        raise DeserializationError(f"The {label} {key!r} lies in a database that is not here: {error}") from error
    except (TypeError, ValueError, ValidationError) as error:
        raise DeserializationError(f"{key!r} is no primary key of a {label}: {error}") from error
