"""Where Django meets djq: the only module that reads settings and the environment."""

from __future__ import annotations

import os
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.signals import setting_changed
from django.utils.functional import Promise, lazystr

from djq_core.checks import check_configuration, check_deployment
from djq_core.conf import Conf, Problem
from djq_core.runtime import Runtime, build_runtime, registry_problems

_SETTINGS = frozenset(
    {"Q_CLUSTER", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "TIME_ZONE", "USE_TZ", "INSTALLED_APPS", "CACHES"}
)


class DjqConfig(AppConfig):
    """The Django app ``djq_core``."""

    name = "djq_core"
    label = "djq_core"
    default_auto_field = "django.db.models.BigAutoField"

    _conf: Conf | None = None
    _runtime: Runtime | None = None

    def ready(self) -> None:
        """Register the checks, name the admin section and follow changed settings."""
        configured = self._configured()
        label = configured.get("label", "Django Q") if isinstance(configured, dict) else None
        if isinstance(label, str | Promise):
            self.verbose_name = lazystr(label)
        checks.register(check_configuration)
        checks.register(check_deployment, deploy=True)
        setting_changed.connect(self._forget, dispatch_uid="djq_core")

    @property
    def conf(self) -> Conf:
        """Return the configuration, read once; raises ConfigurationError."""
        if self._conf is None:
            self._conf = Conf.from_settings(self._configured(), **self._surroundings())
        return self._conf

    @property
    def runtime(self) -> Runtime:
        """Return the runtime, built once; raises ConfigurationError."""
        if self._runtime is None:
            self._runtime = build_runtime(self.conf)
            self._runtime.hooks.ready(self.conf)
        return self._runtime

    @property
    def is_debug(self) -> bool:
        """Is the site in Django's debug mode?"""
        return bool(settings.DEBUG)

    @property
    def wants_no_colours(self) -> bool:
        """Does the terminal show no colours, or its reader want none (``NO_COLOR``)?"""
        return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"

    def use_cluster(self, name: str) -> None:
        """Be the cluster of this name from now on, in this process and those it starts (``Q_CLUSTER_NAME``)."""
        os.environ["Q_CLUSTER_NAME"] = name
        self._conf = self._runtime = None

    def conf_problems(self) -> list[Problem]:
        """Return everything that is wrong or doubtful in the configuration, keys of plugins included."""
        problems = Conf.problems(self._configured(), **self._surroundings())
        if any(problem.code.startswith("djq.E") for problem in problems):
            return problems
        return problems + registry_problems(self.conf)

    @staticmethod
    def _configured() -> Any:
        return getattr(settings, "Q_CLUSTER", {})

    @staticmethod
    def _surroundings() -> dict[str, Any]:
        return {
            "secret_key": settings.SECRET_KEY,
            "secret_key_fallbacks": tuple(settings.SECRET_KEY_FALLBACKS),
            "time_zone": settings.TIME_ZONE,
            "use_tz": settings.USE_TZ,
            "cluster_name": os.environ.get("Q_CLUSTER_NAME"),
            "faults": f"{os.environ.get('DJQ_FAULT', '')}@{os.environ.get('DJQ_FAULT_BUDGET', '')}".strip("@"),
        }

    def _forget(self, *, setting: str, **kwargs: object) -> None:
        if setting in _SETTINGS:
            self._conf = self._runtime = None
