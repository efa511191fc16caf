"""The configuration: what Django's checks say, what goes badly together, and the plugins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from django.core import checks
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from djq_core.brokers import Finding
from djq_core.brokers.finding import ERROR, WARNING
from djq_core.conf import Conf
from djq_core.monitor.words import duration

if TYPE_CHECKING:
    from djq_core.apps import DjqConfig
    from djq_core.runtime import Runtime

#: What Django's own check asks of a SECRET_KEY.
_INSECURE: Final = "django-insecure-"
_SHORTEST_KEY: Final = 50
_FEWEST_CHARACTERS: Final = 5
#: A task that always fails is tried more often than it should be below so many seconds.
_HASTY: Final = 10.0
#: A lease shorter than this lapses when a machine is busy, in seconds.
_SHORT_LEASE: Final = 5.0


def look(config: DjqConfig, messages: Sequence[checks.CheckMessage]) -> Iterator[Finding]:
    """Return what is wrong or doubtful in the settings."""
    told = [message for message in messages if not message.is_silenced()]
    yield from map(_of_check, told)
    if not told:
        keys = len(config.conf.given)
        message = ngettext("Q_CLUSTER is right: %(keys)s key.", "Q_CLUSTER is right: %(keys)s keys.", keys)
        yield Finding(code="configuration", message=message % {"keys": keys})
    if any(message.level >= checks.ERROR for message in told):
        return
    yield from _keys(config.conf)
    if config.is_debug:
        yield Finding(
            level=WARNING,
            code="debug",
            message=_("DEBUG is True: each task's queries are kept in memory until it ends, with their parameters."),
            remedy=_("Set DEBUG to False where clusters run for more than development."),
        )
    yield from _attempts(config.conf)


def _of_check(message: checks.CheckMessage) -> Finding:
    level = ERROR if message.level >= checks.ERROR else WARNING
    remedy = message.hint or _("See the documentation's page on checks.")
    return Finding(level=level, code=message.id or "check", message=str(message.msg), remedy=str(remedy))


def _keys(conf: Conf) -> Iterator[Finding]:
    key = conf.secret_key
    if len(key) >= _SHORTEST_KEY and len(set(key)) >= _FEWEST_CHARACTERS and not key.startswith(_INSECURE):
        return
    yield Finding(
        level=WARNING,
        code="secret-key",
        message=_(
            "SECRET_KEY is short, or the one that startproject made: who guesses it runs code through the queue."
        ),
        remedy=_("Set SECRET_KEY to a random text of 50 characters or more, and keep it out of the repository."),
    )


def _attempts(conf: Conf) -> Iterator[Finding]:
    longest = conf.backoff.longest if conf.backoff else conf.retry
    if not conf.max_attempts and not conf.ack_failures and longest < _HASTY:
        yield Finding(
            level=WARNING,
            code="attempts",
            message=_("A task that always fails is tried for ever, every %(pause)s at most: max_attempts is 0.")
            % {"pause": duration(longest)},
            remedy=_("Set max_attempts, or a longer backoff such as {'initial': 2, 'maximum': 600}."),
        )
    if conf.renew_leases and conf.retry < _SHORT_LEASE:
        yield Finding(
            level=WARNING,
            code="retry",
            message=_("retry is %(retry)s: a cluster that stands still for that long loses what it holds.")
            % {"retry": duration(conf.retry)},
            remedy=_("Set retry to 30 s or more; running tasks keep their lease however long they take."),
        )


def plugins(runtime: Runtime) -> Iterator[Finding]:
    """Return the plugins that are broken, and what the others say of their own health."""
    loaded = [record for record in runtime.registry.plugins if record.status == "loaded"]
    for record in runtime.registry.plugins:
        if record.status == "broken":
            yield Finding(
                level=WARNING,
                code="plugin-broken",
                message=_("The plugin %(name)r of %(distribution)s cannot be loaded: %(error)s")
                % {"name": record.name, "distribution": record.distribution, "error": record.error},
                remedy=_("Mend it, uninstall it, or name it in disabled_plugins."),
            )
    names = ", ".join(f"{record.name} {record.version}" for record in loaded)
    yield Finding(code="plugins", message=_("Loaded: %(names)s.") % {"names": names})
    for health in runtime.hooks.health():
        yield Finding(
            level="ok" if health.is_healthy else ERROR,
            code="plugin-health",
            message=f"{health.name}: {health.message or (_('well') if health.is_healthy else _('not well'))}",
            remedy="" if health.is_healthy else _("See the documentation of the plugin."),
        )
