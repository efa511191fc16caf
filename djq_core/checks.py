"""Django's system checks of the configuration, and the catalogue of their ids."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from django.apps import AppConfig
from django.core import checks
from django.core.cache import caches
from django.db import connections

from djq_core import current
from djq_core.conf import Problem
from djq_core.exceptions import ConfigurationError, DjqError

if TYPE_CHECKING:
    from djq_core.apps import DjqConfig
    from djq_core.conf import Conf

_NO_ALIAS: Final = "djq.E011"
_NO_PLUGINS: Final = "djq.E100"
_NOT_CHOSEN: Final = "djq.W102"
_NOT_COUNTED: Final = "djq.W103"
_NOT_BUILT: Final = {"broker": "djq.E107", "serializer": "djq.E108", "result_backend": "djq.E109"}

#: What each id means, in one line.
CATALOGUE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "djq.E001": "Q_CLUSTER is not a dictionary with texts as keys.",
        "djq.E002": "A value has the wrong type.",
        "djq.E003": "A value is outside its range, or a text is empty or not of the required form.",
        "djq.E004": "A value is none of the names that there are.",
        "djq.E005": "`broker` and `broker_class` are both given.",
        "djq.E006": "`retry` is not larger than `timeout` while `renew_leases` is False.",
        "djq.E007": "A key of Django-Q2 that djq does not support.",
        "djq.E008": "An entry of ALT_CLUSTERS bears the main cluster's name, another name, or ALT_CLUSTERS itself.",
        "djq.E009": "`accept_serializers` does not hold the `serializer`.",
        "djq.E010": "SECRET_KEY is empty.",
        "djq.E011": "`cache` is none of the site's CACHES, or `enqueue_on_commit` none of its DATABASES.",
        "djq.E100": "The plugins cannot be loaded.",
        "djq.E101": "Nobody knows the key.",
        "djq.E102": "The key's plugin is not installed, or disabled.",
        "djq.E103": "The value of a plugin's key has the wrong type.",
        "djq.E104": "`error_reporter` names a reporter that no installed plugin offers.",
        "djq.E105": "Two plugins claim the same name or key.",
        "djq.E106": "A broken plugin is named by the configuration.",
        "djq.E107": "No broker can be chosen, two are, or its keys are wrong.",
        "djq.E108": "`serializer` or `accept_serializers` names one that no installed plugin offers.",
        "djq.E109": "`result_backend` names one that no installed plugin offers.",
        "djq.W001": "`renew_leases` is False and there is no `timeout`.",
        "djq.W002": "`queue_limit` is smaller than `workers`.",
        "djq.W003": "`cpu_affinity` has no effect on this machine.",
        "djq.W004": "`max_rss` has no effect on this machine.",
        "djq.W005": "`bulk` is larger than `queue_limit`.",
        "djq.W101": "`disabled_plugins` names a plugin that is not installed.",
        "djq.W102": "A key belongs to a broker that is not chosen.",
        "djq.W103": "`max_attempts` bounds nothing: the broker does not count deliveries.",
    }
)


def check_configuration(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[checks.CheckMessage]:  # noqa: ARG001
    """Return everything that is wrong or doubtful in ``Q_CLUSTER``; where nothing is wrong, what plugins say too."""
    found = _found(current.app_config())
    if any(problem.is_error for problem in found):
        return messages(found)
    return [*messages(found), *_said_by_plugins(deploy=False)]


def check_deployment(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[checks.CheckMessage]:  # noqa: ARG001
    """Return what the plugins say with ``manage.py check --deploy`` beyond what they say without it."""
    if any(problem.is_error for problem in _found(current.app_config())):
        return []
    said = _said_by_plugins(deploy=False)
    return [message for message in _said_by_plugins(deploy=True) if message not in said]


def messages(problems: Iterable[Problem]) -> list[checks.CheckMessage]:
    """Return problems as Django's messages, of the level that their code has."""
    return [_message(problem) for problem in problems]


def _message(problem: Problem) -> checks.CheckMessage:
    kind = checks.Error if problem.is_error else checks.Warning
    return kind(problem.message, hint=problem.hint or None, id=problem.code)


def _found(config: DjqConfig) -> list[Problem]:
    try:
        problems = config.conf_problems()
    except ConfigurationError as error:
        return [Problem(_NO_PLUGINS, "plugins", f"The plugins cannot be loaded: {error}")]
    if any(problem.is_error for problem in problems):
        return problems
    choice = _choice_problems(config)
    if not any(problem.is_error for problem in choice):
        choice.extend(_idle_keys(config))
    problems = [
        *problems,
        *_alias_problems("cache", config.conf.cache, "CACHES", list(caches)),
        *_alias_problems("enqueue_on_commit", config.conf.enqueue_on_commit, "DATABASES", list(connections)),
        *choice,
    ]
    return [*problems, *_alternative_problems(config, problems)]


def _alias_problems(key: str, alias: str | bool, setting: str, aliases: Sequence[str]) -> list[Problem]:
    if isinstance(alias, bool) or alias in aliases:
        return []
    told = f"`{key}` is {alias!r}, which is none of the site's {setting}."
    return [Problem(_NO_ALIAS, key, told, f"There are: {', '.join(sorted(aliases))}.")]


def _choice_problems(config: DjqConfig) -> list[Problem]:
    """Return why the configured broker or the like cannot be built; a site that runs in sync needs no broker."""
    wanted: dict[str, Callable[[], object]] = {
        "serializer": lambda: config.runtime.serializers,
        "result_backend": lambda: config.runtime.results,
    }
    problems = [problem for key, build in wanted.items() if (problem := _failed(key, build))]
    return problems if config.conf.sync else [*problems, *_broker_problems(config, config.conf)]


def _broker_problems(config: DjqConfig, conf: Conf) -> Iterator[Problem]:
    """Return why the broker of a cluster cannot be built, or what it cannot do of what is asked for."""
    try:
        broker = config.runtime.broker(conf.name)
    except DjqError as error:
        yield Problem(_NOT_BUILT["broker"], "broker", str(error))
        return
    if conf.max_attempts and broker.supports_receipts and not broker.counts_deliveries:
        told = f"`max_attempts` bounds nothing: {type(broker).__name__} does not count deliveries."
        yield Problem(
            _NOT_COUNTED, "max_attempts", told, "A failing task is tried for ever, unless `ack_failures` is True."
        )


def _idle_keys(config: DjqConfig) -> Iterator[Problem]:
    """Return the keys that nobody reads: they go with the key of a broker that is not given."""
    if config.conf.sync or config.conf.alt_clusters:  # whose brokers may read what the main one does not
        return
    given, chosen = config.conf.plugin_settings, config.runtime.broker_class
    name = chosen.name or chosen.__name__
    for broker in config.runtime.registry.brokers.values():
        if any(key in given for key in broker.choosing_keys or broker.conf_keys):
            continue
        for key in broker.conf_keys:
            if key in given and key not in chosen.conf_keys:
                told = f"`{key}` has no effect: it belongs to the broker {broker.name!r}, and {name!r} is chosen."
                hint = f"That broker is chosen by {' or '.join(f'`{each}`' for each in broker.choosing_keys)}."
                yield Problem(_NOT_CHOSEN, key, told, hint)


def _failed(key: str, build: Callable[[], object]) -> Problem | None:
    try:
        build()
    except DjqError as error:
        return Problem(_NOT_BUILT[key], key, str(error))
    return None


def _alternative_problems(config: DjqConfig, known: Collection[Problem]) -> Iterator[Problem]:
    """Return what is wrong with plugins' keys, caches and brokers in ALT_CLUSTERS; core's own are in the main ones."""
    for name in config.conf.alt_clusters:
        for problem in _of_alternative(config, name):
            if problem not in known:
                message = f"ALT_CLUSTERS[{name!r}]: {problem.message}"
                yield replace(problem, key=f"ALT_CLUSTERS.{name}.{problem.key}", message=message)


def _of_alternative(config: DjqConfig, name: str) -> list[Problem]:
    conf = config.conf.for_cluster(name)
    if problems := config.runtime.registry.check_keys(conf):
        return problems
    problems = _alias_problems("cache", conf.cache, "CACHES", list(caches))
    if not (config.conf.sync or conf.sync):
        problems.extend(_broker_problems(config, conf))
    return problems


def _said_by_plugins(*, deploy: bool) -> list[checks.CheckMessage]:
    config = current.app_config()
    return config.runtime.hooks.check(config.conf, deploy)
