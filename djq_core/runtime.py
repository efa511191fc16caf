"""The composition root: everything that a process of djq works with, built from one Conf."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from djq_core.brokers import Broker, BrokerSettings
from djq_core.conf import Conf, Problem
from djq_core.envelope import Signer
from djq_core.exceptions import UnknownSerializer
from djq_core.plugins import Hooks, Registry, discover, load
from djq_core.reporters import Reporters
from djq_core.results import ResultBackend
from djq_core.serializers import Serializer


@dataclass(frozen=True)
class Runtime:
    """What is handed down to every part; it pickles as its Conf and is built anew where it arrives."""

    conf: Conf
    registry: Registry
    _local: threading.local = field(default_factory=threading.local, repr=False)
    _choices: dict[str, tuple[type[Broker], Any]] = field(default_factory=dict, repr=False, compare=False)

    def __reduce__(self) -> tuple[Any, tuple[Conf]]:
        return build_runtime, (self.conf,)

    @property
    def hooks(self) -> Hooks:
        """The typed calls to every plugin."""
        return self.registry.hooks

    @cached_property
    def signer(self) -> Signer:
        """Sign and verify for the cluster's own name."""
        return Signer(self.conf.name, self.conf.secret_key, self.conf.secret_key_fallbacks)

    # Brokers

    @property
    def broker_class(self) -> type[Broker]:
        """The class of the configured broker; raises ConfigurationError."""
        return self._choice(self.conf)[0]

    def broker(self, list_key: str | None = None) -> Broker:
        """Return a new broker for a queue, the cluster's own by default; building one does no I/O.

        The queue of another cluster in ``ALT_CLUSTERS`` is where the keys of that cluster say.
        """
        key = list_key or self.conf.name
        conf = self.conf.for_cluster(key) if key in self.conf.clusters else self.conf
        broker_class, options = self._choice(conf)
        lease = float(conf.retry)
        return broker_class(BrokerSettings(list_key=key, lease=lease, poll=conf.poll, bulk=conf.bulk, options=options))

    def _choice(self, conf: Conf) -> tuple[type[Broker], Any]:
        """Return the broker of a cluster and its options, which all its brokers share."""
        if conf.name not in self._choices:
            broker_class = self.registry.broker_class(conf)
            keys = {key: value for key, value in conf.plugin_settings.items() if key in broker_class.conf_keys}
            self._choices.setdefault(conf.name, (broker_class, broker_class.read_options(keys)))
        return self._choices[conf.name]

    def shared_broker(self, list_key: str | None = None) -> Broker:
        """Return this thread's kept broker for a queue."""
        kept: dict[str, Broker] = self._local.__dict__.setdefault("brokers", {})
        key = list_key or self.conf.name
        if key not in kept:
            kept[key] = self.broker(key)
        return kept[key]

    # Results

    @cached_property
    def results(self) -> ResultBackend:
        """The result backend that is configured: the database, unless it is a plugin's."""
        return self.registry.result_backend(self.conf.result_backend)(self.conf)

    @cached_property
    def cache_results(self) -> ResultBackend:
        """The result backend of the cache."""
        return self.registry.result_backend("cache")(self.conf)

    def results_for(self, cached: bool | int) -> ResultBackend:
        """Return the backend that keeps a task with this ``cached`` option (manual 1.4.3)."""
        return self.cache_results if cached else self.results

    # Serializers

    @cached_property
    def serializers(self) -> Mapping[str, Serializer]:
        """The accepted serializers by tag."""
        made = {tag: self.registry.serializer(tag) for tag in self.conf.accept_serializers}
        for serializer in made.values():
            serializer.max_nesting_depth = self.conf.max_nesting_depth
        return made

    def dump(self, value: Any) -> bytes:
        """Return the value as the configured serializer writes it; raises SerializationError."""
        return self.serializers[self.conf.serializer].dumps(value)

    def load(self, tag: str, data: bytes) -> Any:
        """Return the value of verified bytes; raises UnknownSerializer for a tag that is not accepted."""
        if tag not in self.serializers:
            raise self.unaccepted(tag)
        return self.serializers[tag].loads(data)

    def unaccepted(self, tag: str) -> UnknownSerializer:
        """Return the error for what a serializer has written that this site does not accept."""
        accepted = ", ".join(sorted(self.conf.accept_serializers))
        return UnknownSerializer(f"The serializer {tag!r} is not accepted here; accept_serializers: {accepted}.")

    @cached_property
    def reporters(self) -> Reporters:
        """The configured error reporters as one."""
        return self.registry.reporters(self.conf)


def build_runtime(conf: Conf) -> Runtime:
    """Load the plugins and return the runtime of this process; raises ConfigurationError."""
    registry = load(conf)
    registry.raise_for_keys(conf)
    return Runtime(conf, registry)


def registry_problems(conf: Conf) -> list[Problem]:
    """Return what is wrong with the plugins and their keys."""
    return discover(conf).problems(conf)
