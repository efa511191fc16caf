"""The setting ``Q_CLUSTER``: read, validated, frozen (manual 1.2)."""

from __future__ import annotations

from djq_core.conf.allowing import AllowList
from djq_core.conf.backoff import PAUSE, Backoff
from djq_core.conf.keys import Key
from djq_core.conf.kinds import WRONG_TYPE, Refused
from djq_core.conf.model import CORE_KEYS, KEYS, Conf, Surroundings
from djq_core.conf.names import KNOWN_PLUGIN_KEYS
from djq_core.conf.problem import Problem

__all__ = [
    "CORE_KEYS",
    "KEYS",
    "KNOWN_PLUGIN_KEYS",
    "PAUSE",
    "WRONG_TYPE",
    "AllowList",
    "Backoff",
    "Conf",
    "Key",
    "Problem",
    "Refused",
    "Surroundings",
]
