"""What the settings of a server, and ours for it, mean for a queue, with the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from djq_core.brokers.finding import ERROR, WARNING, Finding

_MAJORITY: Final = "majority"


def replication(name: str | None) -> Finding:
    """Tell whether other servers have the queue too; ``name`` is what the servers are, None for a single one."""
    if name:
        return Finding(code="mongo-replication", message=f"The queue is on {name}, which tells clusters of new tasks.")
    return Finding(
        level=WARNING,
        code="mongo-replication",
        message="The queue is on a single server: it is lost with its disk, and clusters have to poll it.",
        remedy="Make the server a replica set; one with a single member tells clusters of new tasks as well.",
    )


def confirmation(concern: Mapping[str, Any]) -> Finding:
    """Tell when a task counts as accepted."""
    if concern.get("w") != _MAJORITY:
        return Finding(
            level=WARNING,
            code="mongo-write-concern",
            message=f"A task is accepted with w={concern.get('w')!r}: a fail-over may lose it.",
            remedy="Leave 'w' out of Q_CLUSTER['mongo']; the default is 'majority'.",
        )
    if not concern.get("j"):
        return Finding(
            level=WARNING,
            code="mongo-write-concern",
            message="A task is accepted before it is in a journal: a power failure may lose it.",
            remedy="Leave 'journal' out of Q_CLUSTER['mongo']; the default is True.",
        )
    message = "A task is accepted when the journals of a majority of the servers have it."
    return Finding(code="mongo-write-concern", message=message)


def storage(status: Mapping[str, Any] | None) -> Finding:
    """Tell whether the server keeps anything; None where it does not tell."""
    engine = (status or {}).get("storageEngine") or {}
    if not engine:
        message = "The server does not tell how it stores its data."
        return Finding(code="mongo-storage", message=message)
    name = engine.get("name", "?")
    if engine.get("persistent", True):
        return Finding(code="mongo-storage", message=f"The server keeps its data on disk ({name}).")
    return Finding(
        level=ERROR,
        code="mongo-storage",
        message=f"The server keeps its data in memory ({name}): a restart loses the queue.",
        remedy="Use a server with the storage engine wiredTiger.",
    )


def durability(name: str | None, concern: Mapping[str, Any]) -> str:
    """Return what a server and the write concern mean for a queue, in a sentence or two."""
    journal = "in its journal" if concern.get("j") else "in memory"
    if name is None:
        kept = f"A task is accepted when the server has it {journal}"
        return f"{kept}. It is a single server: the queue is lost with its disk, and clusters poll it."
    if concern.get("w") == _MAJORITY:
        journals = "in the journal" if concern.get("j") else "in memory"
        return f"A task is accepted when a majority of {name} has it {journals}: it outlives a fail-over."
    return f"A task is accepted with w={concern.get('w')!r} and {journal} of {name}: a fail-over may lose it."
