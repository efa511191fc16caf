"""The one ambient look-up: what Django's app registry knows of us."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.apps import apps

if TYPE_CHECKING:
    from djq_core.apps import DjqConfig
    from djq_core.runtime import Runtime


def app_config() -> DjqConfig:
    """Return the installed app; raises LookupError when ``djq_core`` is not in ``INSTALLED_APPS``."""
    return cast("DjqConfig", apps.get_app_config("djq_core"))


def runtime() -> Runtime:
    """Return the runtime of this process, built on first use; raises ConfigurationError."""
    return app_config().runtime
