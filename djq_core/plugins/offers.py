"""What one plugin offers by key, looked at before anything uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from djq_core.brokers.base import Broker
from djq_core.exceptions import PluginError
from djq_core.plugins.values import PluginSetting
from djq_core.reporters.base import ErrorReporter
from djq_core.results.base import ResultBackend
from djq_core.schedules.base import ScheduleType
from djq_core.serializers.base import Serializer


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of class that is chosen by key: ``attribute`` of the class holds the key."""

    plural: str
    word: str
    base: type[Any]
    attribute: str = "name"

    @property
    def hook(self) -> str:
        """The hook that registers classes of this kind."""
        return f"djq_register_{self.plural}"

    def key_of(self, offered: type[Any]) -> str:
        """Return the key that chooses the class."""
        return str(getattr(offered, self.attribute, ""))


KINDS: Final = (
    Kind("brokers", "broker", Broker),
    Kind("result_backends", "result backend", ResultBackend),
    Kind("serializers", "serializer", Serializer, "tag"),
    Kind("error_reporters", "error reporter", ErrorReporter),
    Kind("schedule_types", "schedule type", ScheduleType, "code"),
)


@dataclass(frozen=True, slots=True)
class Offers:
    """The classes of one plugin by kind, and its settings."""

    classes: Mapping[str, tuple[type[Any], ...]]
    settings: tuple[PluginSetting, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key of ``Q_CLUSTER`` that the plugin claims."""
        classes = [offered for group in self.classes.values() for offered in group]
        claimed = [key for offered in classes for key in getattr(offered, "conf_keys", ())]
        return tuple(dict.fromkeys([*claimed, *(setting.name for setting in self.settings)]))

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The keys that choose its classes, by kind."""
        return {
            kind.plural: tuple(kind.key_of(offered) for offered in self.classes[kind.plural])
            for kind in KINDS
            if self.classes[kind.plural]
        }

    @property
    def capabilities(self) -> dict[str, tuple[str, ...]]:
        """The flags of its brokers."""
        return {broker.name: capabilities(broker) for broker in self.classes["brokers"]}


def collect(implementations: Mapping[str, Iterable[Callable[[], Any]]]) -> Offers:
    """Call a plugin's registering hooks and return its offers; raises PluginError, or what a hook raises."""
    return Offers(
        classes={kind.plural: _checked(kind, implementations.get(kind.hook, ())) for kind in KINDS},
        settings=_settings(implementations.get("djq_settings", ())),
    )


_FLAGS = ("supports_", "counts_", "shares_", "keeps_", "fences_", "is_", "max_")


def capabilities(broker: type[Broker]) -> tuple[str, ...]:
    """Return the flags that are set on a broker class, limits with their value."""
    flags = sorted(name for name in dir(Broker) if name.startswith(_FLAGS))
    values = [(name, getattr(broker, name)) for name in flags]
    return tuple(name if value is True else f"{name}={value}" for name, value in values if value not in (False, None))


def _checked(kind: Kind, implementations: Iterable[Callable[[], Any]]) -> tuple[type[Any], ...]:
    offered = [item for call in implementations for item in _listed(kind.hook, call())]
    for item in offered:
        if not (isinstance(item, type) and issubclass(item, kind.base)):
            raise PluginError(f"{kind.hook} returned {item!r}, which is not a subclass of {kind.base.__name__}.")
        if not kind.key_of(item):
            raise PluginError(f"{kind.hook} returned {item.__qualname__}, whose {kind.attribute!r} is empty.")
    return tuple(offered)


def _settings(implementations: Iterable[Callable[[], Any]]) -> tuple[PluginSetting, ...]:
    settings = [item for call in implementations for item in _listed("djq_settings", call())]
    for setting in settings:
        if not isinstance(setting, PluginSetting):
            raise PluginError(f"djq_settings returned {setting!r}, which is not a PluginSetting.")
    return tuple(settings)


def _listed(hook: str, answer: Any) -> list[Any]:
    if not isinstance(answer, list | tuple):
        raise PluginError(f"{hook} returned {answer!r}: give a list.")
    return list(answer)
