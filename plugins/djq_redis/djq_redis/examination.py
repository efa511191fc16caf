"""What the settings of a server mean for a queue, with the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from djq_core.brokers.finding import ERROR, WARNING, Finding

#: Above this share of ``maxmemory`` the server is about to refuse tasks.
_FULL: Final = 0.9


def persistence(told: Mapping[str, Any]) -> Finding:
    """Tell whether the queue outlives a restart of the server."""
    if told.get("aof_enabled"):
        return Finding(
            code="redis-persistence",
            message="appendonly is on: the queue outlives a restart of the server.",
        )
    return Finding(
        level=WARNING,
        code="redis-persistence",
        message="appendonly is off: a restart of the server loses the tasks sent since its last snapshot.",
        remedy="Set appendonly to yes in the configuration of the server.",
    )


def eviction(told: Mapping[str, Any]) -> Finding:
    """Tell whether the server throws tasks away when memory is short."""
    policy, has_limit = str(told.get("maxmemory_policy", "noeviction")), bool(told.get("maxmemory"))
    if not policy.startswith("allkeys"):
        message = f"maxmemory-policy is {policy}: no task is thrown away."
        return Finding(code="redis-eviction", message=message)
    remedy = "Set maxmemory-policy to noeviction, or give the queue a server of its own."
    if not has_limit:
        message = f"maxmemory-policy is {policy}: with a maxmemory, which is not set, it would throw tasks away."
        return Finding(level=WARNING, code="redis-eviction", message=message, remedy=remedy)
    message = f"maxmemory-policy is {policy}: when memory is short the server throws the queue away."
    return Finding(level=ERROR, code="redis-eviction", message=message, remedy=remedy)


def memory(told: Mapping[str, Any]) -> Finding:
    """Tell how full the server is, where it has a limit."""
    used, limit = int(told.get("used_memory", 0)), int(told.get("maxmemory", 0))
    if not limit:
        return Finding(code="redis-memory", message="The server's memory has no limit (maxmemory).")
    share = round(100 * used / limit)
    message = f"The server has used {share}% of its maxmemory."
    if used <= limit * _FULL:
        return Finding(code="redis-memory", message=message)
    remedy = "Raise maxmemory, or find out why the queue grows: a full server refuses new tasks."
    return Finding(level=ERROR, code="redis-memory", message=message, remedy=remedy)
