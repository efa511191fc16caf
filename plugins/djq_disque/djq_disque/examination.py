"""What the settings of the nodes mean for a queue, with the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from djq_core.brokers.finding import ERROR, WARNING, Finding
from djq_disque.options import COPIES, DisqueOptions

_PAUSES: Final = {
    "in": "takes no task",
    "out": "hands out no task",
    "all": "takes no task and hands out none",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one node tells: whether it has a file, how many nodes it knows and reaches, how the queue is paused."""

    node: str
    has_aof: bool
    known: int
    there: int
    pause: str


def durability(nodes: Sequence[Told], options: DisqueOptions) -> str:
    """Return what copies and append-only files mean for the queue, in a sentence or two."""
    wanted, possible = copies(nodes, options)
    if possible < wanted:
        many = f"{possible} of {wanted} copies of each task, because nodes are away"
    else:
        many = "1 copy of each task" if wanted == 1 else f"{wanted} copies of each task"
    without = [told.node for told in nodes if not told.has_aof]
    if not without:
        return f"{many}; appendonly is on, so that the queue outlives a restart of the nodes."
    if possible > 1:
        return f"{many}; appendonly is off at {', '.join(without)}: a restart of all nodes together loses the queue."
    return f"{many}; appendonly is off at {', '.join(without)}: a restart of the node loses the queue."


def copies(nodes: Sequence[Told], options: DisqueOptions) -> tuple[int, int]:
    """Return how many copies of a task there are to be, and how many there can be now."""
    wanted = options.replicate or min(COPIES, max(told.known for told in nodes))
    return wanted, min(wanted, max(told.there for told in nodes))


def persistence(nodes: Sequence[Told]) -> Finding:
    """Tell whether the queue outlives a restart of the nodes."""
    without = [told.node for told in nodes if not told.has_aof]
    if not without:
        return Finding(
            code="disque-persistence", message="appendonly is on: the queue outlives a restart of the nodes."
        )
    return Finding(
        level=WARNING,
        code="disque-persistence",
        message=f"appendonly is off at {', '.join(without)}: what has no copy elsewhere is lost when it is restarted.",
        remedy="Set appendonly to yes in the configuration of each node.",
    )


def replication(nodes: Sequence[Told], options: DisqueOptions) -> Finding:
    """Tell whether a task outlives the loss of a node."""
    wanted, possible = copies(nodes, options)
    known = max(told.known for told in nodes)
    if possible < wanted:
        return Finding(
            level=WARNING,
            code="disque-copies",
            message=f"A new task has {possible} of {wanted} copies: too few nodes are there.",
            remedy="Start the missing nodes, join new ones with CLUSTER MEET, or lower Q_CLUSTER['disque_replicate'].",
        )
    if wanted == 1:
        return Finding(
            level=WARNING,
            code="disque-copies",
            message=f"There is one copy of each task on {_nodes(known)}: a node that is lost takes its tasks along.",
            remedy="Join a second node with CLUSTER MEET, name it in Q_CLUSTER['disque_nodes'], and have two copies.",
        )
    return Finding(code="disque-copies", message=f"There are {wanted} copies of each task on {_nodes(known)}.")


def presence(nodes: Sequence[Told], options: DisqueOptions) -> Finding:
    """Tell whether all nodes of the setting answer, and know each other."""
    missing = [node for node in options.nodes if node not in {told.node for told in nodes}]
    if missing:
        return Finding(
            level=WARNING,
            code="disque-nodes",
            message=f"No answer from {', '.join(missing)}.",
            remedy="Start it, or take it out of Q_CLUSTER['disque_nodes'].",
        )
    if any(told.known < len(nodes) for told in nodes):
        return Finding(
            level=ERROR,
            code="disque-nodes",
            message="The nodes of Q_CLUSTER['disque_nodes'] are no cluster: a task at one is not seen at another.",
            remedy="Join them with CLUSTER MEET, or name those of one cluster.",
        )
    return Finding(code="disque-nodes", message=f"All {len(nodes)} of Q_CLUSTER['disque_nodes'] answer.")


def pauses(nodes: Sequence[Told]) -> Finding:
    """Tell whether somebody has paused the queue."""
    found = [f"{told.node} {_PAUSES[told.pause]}" for told in nodes if told.pause in _PAUSES]
    if not found:
        return Finding(code="disque-pause", message="The queue is not paused.")
    return Finding(
        level=ERROR,
        code="disque-pause",
        message=f"The queue is paused: {', '.join(found)}.",
        remedy="PAUSE <queue> none bcast lets it go on.",
    )


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"
