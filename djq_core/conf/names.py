"""Keys that are known and are not core's: those of our plugins, and those of Django-Q2 that are refused."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_KEYS_BY_DISTRIBUTION: Final = {
    "djq-orm": ("orm", "has_replica"),
    "djq-redis": ("redis", "redis_receipts", "django_redis"),
    "djq-disque": (
        "disque_nodes",
        "disque_auth",
        "disque_fastack",
        "disque_replicate",
        "disque_timeout",
        "disque_ttl",
    ),
    "djq-ironmq": ("iron_mq",),
    "djq-sqs": ("sqs",),
    "djq-mongo": ("mongo", "mongo_db"),
    "djq-opentelemetry": ("opentelemetry_setup",),
    "djq-sentry": ("sentry_check_ins",),
}

#: The distribution that brings each key of our own plugins.
KNOWN_PLUGIN_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {key: distribution for distribution, keys in _KEYS_BY_DISTRIBUTION.items() for key in keys}
)

#: Keys of Django-Q2 that djq does not take: why, and what to do instead.
REFUSED_KEYS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "cluster_name": (
            "`cluster_name` is not taken: in djq `name` is both the name of the queue and part of the signature.",
            "Put it into `name`; describe further clusters in `ALT_CLUSTERS`.",
        ),
        "testing": (
            "`testing` is not taken: djq behaves in tests as it does anywhere else.",
            "Remove it; `sync` runs every task where it is called.",
        ),
    }
)
