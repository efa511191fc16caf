"""The error reporters that a configuration chooses (manual 1.2.32, 1.12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from djq_core.exceptions import ConfigurationError, DjqError
from djq_core.plugins.known import KNOWN_REPORTERS, nearest
from djq_core.plugins.masking import masked
from djq_core.reporters import ErrorReporter, Guarded, Reporters

if TYPE_CHECKING:
    from djq_core.conf import Conf
    from djq_core.plugins.registry import Registry

#: What a class raises that does not take what it is given; anything else it may take another time.
_REFUSALS = (TypeError, ValueError, ImproperlyConfigured)


def build_reporters(registry: Registry, conf: Conf) -> Reporters:
    """Return the configured reporters as one; raises ConfigurationError for an unknown name, or refused settings.

    One that cannot be built for another reason, or hangs, is logged and left out for a while.
    """
    for name in conf.error_reporter:
        if name not in registry.error_reporters:
            raise ConfigurationError(missing_reporter(registry, name))
    reporters = Reporters(
        [
            Guarded(name, _maker(registry.error_reporters[name], name, given), mask=partial(masked, settings=given))
            for name, given in conf.error_reporter.items()
        ]
    )
    reporters.build()
    return reporters


def _maker(reporter: type[ErrorReporter], name: str, settings: Mapping[str, Any]) -> Callable[[], ErrorReporter]:
    def make() -> ErrorReporter:
        try:
            return reporter(**settings)
        except Exception as error:
            given = f"{type(error).__name__}: {error}"
            reason = masked(given, settings)
            cause = error if reason == given else None
            if isinstance(error, _REFUSALS):
                told = f"The error reporter {name!r} does not take its settings: {_ended(reason)}"
                raise ConfigurationError(told) from cause
            raise DjqError(_ended(reason)) from cause

    return make


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "?", "!")) else f"{sentence}."


def missing_reporter(registry: Registry, name: str) -> str:
    """Return why there is no error reporter of this name, and the remedy."""
    if disabled := next((one for one in registry.plugins if one.status == "disabled" and one.goes_by(name)), None):
        return f"The error reporter `{name}` is that of {disabled}, which `disabled_plugins` names."
    if name in KNOWN_REPORTERS:
        return f"The error reporter {_needs(name)}"
    listed = ", ".join(sorted(registry.error_reporters)) or "none"
    return f"No plugin offers the error reporter {name!r}. Installed: {listed}.{_perhaps(registry, name)}"


def _perhaps(registry: Registry, name: str) -> str:
    meant = nearest(name, [*registry.error_reporters, *KNOWN_REPORTERS])
    if meant is None:
        return ""
    return f" Did you mean {meant!r}?" + ("" if meant in registry.error_reporters else f" {_needs(meant)}")


def _needs(name: str) -> str:
    return f"`{name}` needs {KNOWN_REPORTERS[name]}: pip install {KNOWN_REPORTERS[name]}"
