"""What the settings of a queue mean for its tasks, with the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from djq_core.brokers.finding import ERROR, WARNING, Finding
from djq_ironmq.options import LEASES, SETTING, IronOptions

#: A task may be expected to wait for so many seconds: over a weekend.
_SHORT: Final = 3 * 86_400
_WEEK: Final = 604_800


def missing(name: str) -> Finding:
    """Tell that there is no queue."""
    return Finding(code="ironmq-queue", message=f"There is no queue {name!r} yet; the first task or cluster makes it.")


def kind(told: Mapping[str, Any]) -> Finding:
    """Tell whether tasks can be fetched from the queue."""
    found = str(told.get("type") or "pull")
    if found == "pull":
        return Finding(code="ironmq-type", message="The queue is a pull queue, from which clusters fetch.")
    message = f"The queue is a {found} queue: it pushes to subscribers, and no cluster can fetch from it."
    remedy = "Delete the queue, or choose another Q_CLUSTER['name']; djq makes it anew as a pull queue."
    return Finding(level=ERROR, code="ironmq-type", message=message, remedy=remedy)


def expiration(told: Mapping[str, Any]) -> Finding:
    """Tell how long a task may wait."""
    seconds = int(told.get("message_expiration") or _WEEK)
    message = f"The service deletes a task that is on the queue for longer than {days(seconds)} (message_expiration)."
    if seconds >= _SHORT:
        return Finding(code="ironmq-expiration", message=message)
    remedy = "Raise message_expiration of the queue, to a week or more."
    return Finding(level=WARNING, code="ironmq-expiration", message=message, remedy=remedy)


def dead_letters(told: Mapping[str, Any]) -> Finding:
    """Tell what becomes of a task that takes its cluster with it each time."""
    letters = told.get("dead_letter")
    if not letters:
        message = "The queue has no dead letters: max_deliveries bounds how often a task may take its cluster with it."
        return Finding(code="ironmq-dead-letters", message=message)
    most, name = letters.get("max_reservations", 10), letters.get("queue_name")
    message = f"A task whose cluster died {most} times in a row goes to the queue {name!r}, without a result."
    return Finding(code="ironmq-dead-letters", message=message)


def lease(seconds: float) -> Finding:
    """Tell whether the service promises to keep reservations of this length."""
    least, most = LEASES
    if least <= seconds <= most:
        return Finding(code="ironmq-lease", message=f"Reservations last {seconds:g} s (retry), which IronMQ keeps.")
    message = f"Reservations last {seconds:g} s (retry); IronMQ promises to keep {least} to {most:,} s only."
    remedy = f"Set retry to {least} or more, and to {most} at most."
    return Finding(level=WARNING, code="ironmq-lease", message=message, remedy=remedy)


def encryption(options: IronOptions) -> Finding:
    """Tell whether the token can be read on the way."""
    if options.protocol == "https":
        return Finding(code="ironmq-encryption", message="The connection is encrypted (https).")
    message = "The token travels unencrypted (http): whoever reads it on the way can take and send tasks."
    remedy = f"Set 'protocol' to 'https' in {SETTING}, or keep the way inside a trusted network."
    return Finding(level=WARNING, code="ironmq-encryption", message=message, remedy=remedy)


def days(seconds: int) -> str:
    """Return a duration for people."""
    whole, rest = divmod(seconds, 86_400)
    if rest:
        return f"{seconds:,} s"
    return "1 day" if whole == 1 else f"{whole} days"
