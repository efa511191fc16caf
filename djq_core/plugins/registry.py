"""What all plugins offer, by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from djq_core.brokers.base import Broker
from djq_core.conf import Conf, Problem
from djq_core.exceptions import ConfigurationError, PluginError, UnknownSerializer
from djq_core.plugins import choice, keys, reporting
from djq_core.plugins.hooks import Hooks
from djq_core.plugins.known import did_you_mean
from djq_core.plugins.records import PluginRecord
from djq_core.plugins.values import PluginSetting
from djq_core.reporters import ErrorReporter, Reporters
from djq_core.results.base import ResultBackend
from djq_core.schedules.base import ScheduleType
from djq_core.serializers.base import Serializer


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The plugins of one runtime: their records, the calls to their hooks, their classes by key."""

    plugins: tuple[PluginRecord, ...]
    hooks: Hooks = field(repr=False)
    brokers: Mapping[str, type[Broker]]
    result_backends: Mapping[str, type[ResultBackend]]
    serializers: Mapping[str, type[Serializer]]
    error_reporters: Mapping[str, type[ErrorReporter]]
    schedule_types: Mapping[str, type[ScheduleType]]
    settings: tuple[PluginSetting, ...] = ()
    conflicts: tuple[str, ...] = ()

    # What is wrong

    def problems(self, conf: Conf) -> list[Problem]:
        """Return everything that is wrong with the plugins and with their keys."""
        return keys.plugin_problems(self, conf) + keys.key_problems(self, conf)

    def check_keys(self, conf: Conf) -> list[Problem]:
        """Return what is wrong with the keys of plugins: unknown, without their plugin, of a wrong type."""
        return keys.key_problems(self, conf)

    def raise_for_plugins(self, conf: Conf) -> None:
        """Raise PluginError for plugins that collide, and for a broken one that the configuration names."""
        _raise(PluginError, keys.plugin_problems(self, conf))

    def raise_for_keys(self, conf: Conf) -> None:
        """Raise ConfigurationError for the keys that :meth:`check_keys` finds fault with."""
        _raise(ConfigurationError, keys.key_problems(self, conf))

    # What is chosen by key

    def broker_class(self, conf: Conf) -> type[Broker]:
        """Return the class of the configured broker; raises ConfigurationError that lists what is installed.

        The first of these decides: ``broker``, ``broker_class``, the key of one installed broker, Redis where it is
        installed, the ORM where it is in ``INSTALLED_APPS`` (manual 1.3).
        """
        return choice.broker_class(self, conf)

    def serializer(self, tag: str) -> Serializer:
        """Return the serializer with this tag; raises UnknownSerializer."""
        if tag not in self.serializers:
            raise UnknownSerializer(f"No plugin offers the serializer {tag!r}. {_installed(tag, self.serializers)}")
        return self.serializers[tag]()

    def result_backend(self, name: str) -> type[ResultBackend]:
        """Return the result backend of this name; raises ConfigurationError."""
        if name not in self.result_backends:
            raise ConfigurationError(
                f"No plugin offers the result backend {name!r}. {_installed(name, self.result_backends)}"
            )
        return self.result_backends[name]

    def reporters(self, conf: Conf) -> Reporters:
        """Return the configured error reporters as one; raises ConfigurationError (manual 1.2.32, 1.12)."""
        return reporting.build_reporters(self, conf)

    def broken(self, name: str) -> PluginRecord | None:
        """Return the broken plugin of this name, of its entry point or distribution."""
        return next((each for each in self.plugins if each.status == "broken" and each.goes_by(name)), None)


def _installed(name: str, names: Mapping[str, object]) -> str:
    listed = ", ".join(sorted(names)) or "none"
    return f"Installed: {listed}.{did_you_mean(name, names)}"


def _raise(kind: type[ConfigurationError], problems: list[Problem]) -> None:
    errors = [problem for problem in problems if problem.is_error]
    if errors:
        raise kind(" ".join(map(str, errors)))
