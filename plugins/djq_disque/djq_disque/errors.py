"""What Disque says, as the broker's errors: one line that names the setting and shows no password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from redis import exceptions

from djq_core.exceptions import BrokerError
from djq_disque.options import DisqueOptions

#: So many nodes are told of at most.
_MOST: Final = 3

_WORDS: Final[Mapping[str, str]] = {
    "NOREPL": "cannot copy a task to as many nodes as 'disque_replicate' in Q_CLUSTER asks for.",
    "maxmemory": "is out of memory and took nothing: raise its 'maxmemory', or name more of Q_CLUSTER['disque_nodes'].",
    "LEAVING": "is leaving its cluster and hands out nothing: take it out of Q_CLUSTER['disque_nodes'].",
    "PAUSED": "takes no task, because its queue (Q_CLUSTER['name']) is paused: PAUSE <queue> none ends that.",
    "unknown command": "does not know a command of Disque: is it one of Q_CLUSTER['disque_nodes']?",
    "wrong number of arguments": "does not know a command of Disque: is it one of Q_CLUSTER['disque_nodes']?",
}


def broker_error(options: DisqueOptions, failed: Mapping[str, Exception]) -> BrokerError:
    """Return one error for what each node said."""
    some = list(failed.items())[:_MOST]
    text = " ".join(told(options, node, error) for node, error in some)
    error = BrokerError(text)
    if not any(_quotes_secrets(options, each) for each in failed.values()):
        error.__cause__ = some[-1][1] if some else None
    error.__suppress_context__ = True
    return error


def told(options: DisqueOptions, node: str, error: Exception) -> str:
    """Return in one line what is wrong with a node."""
    text = f"Disque at {node} {_what(options, error)} It said: {_masked(options, error)}"
    return " ".join(text.split()) + ("" if text.endswith((".", "!", "?")) else ".")


def _quotes_secrets(options: DisqueOptions, error: BaseException | None) -> bool:
    """Would a traceback show what is secret, in this error or in one that led to it?"""
    while error is not None:
        if options.auth and options.auth in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _what(options: DisqueOptions, error: Exception) -> str:
    if isinstance(error, exceptions.AuthenticationError):
        return _refused(options, error)
    if _is_late(error):
        return "did not answer in time: see 'disque_timeout' in Q_CLUSTER."
    if isinstance(error, exceptions.ResponseError):
        found = next((remedy for words, remedy in _WORDS.items() if words in str(error)), None)
        return found or "refused what was asked (see Q_CLUSTER['disque_nodes'])."
    return "cannot be reached: see Q_CLUSTER['disque_nodes']."


def _refused(options: DisqueOptions, error: Exception) -> str:
    if "no password is set" in str(error):
        return "has no password: take 'disque_auth' out of Q_CLUSTER."
    if options.auth:
        return "refuses the password in Q_CLUSTER['disque_auth']."
    return "wants a password, and Q_CLUSTER has no 'disque_auth'."


def _is_late(error: BaseException) -> bool:
    return isinstance(error, exceptions.TimeoutError) or getattr(error, "is_late", False)


def _masked(options: DisqueOptions, error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text.replace(options.auth, "***") if options.auth else text
