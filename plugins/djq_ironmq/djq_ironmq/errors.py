"""What goes wrong on the way to IronMQ, as the broker's errors: one line that names the setting and shows no token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import requests
from requests import exceptions

from djq_core.exceptions import BrokerError
from djq_ironmq.options import SETTING, IronOptions
from djq_ironmq.tokens import Garbage

#: What the service says of a message, or a queue, that is not there, and of a reservation that is not in force.
NOT_FOUND: Final = 404
NOT_HELD: Final = 403

_STATUSES: Final[Mapping[int, str]] = {
    400: "refused what was asked; for a lease see 'retry', for a message's size 'max_message_bytes' in {setting}",
    401: "refuses the 'token' for the 'project_id' of {setting}",
    403: "does not let the 'token' of {setting} do this",
    404: "does not know what was asked for: see 'host', 'path_prefix' and 'project_id' in {setting}",
    405: "is no IronMQ v3: see 'host', 'port' and 'path_prefix' of {setting}",
    413: "takes no message of this size: see 'max_message_bytes' in {setting}",
    429: "is asked too often for its plan (see {setting})",
    503: "is too busy, or asked too often for its plan (see {setting})",
    504: "was not answered by its own servers in time (see {setting})",
}
#: The first kind that fits counts.
_KINDS: Final[Mapping[type[Exception], str]] = {
    exceptions.ProxyError: "cannot be reached through the proxy that the environment names (see 'host' in {setting})",
    exceptions.SSLError: "cannot be reached with TLS: see 'protocol', 'host' and 'port' in {setting}",
    exceptions.ConnectTimeout: "cannot be reached within 'request_timeout' of {setting}",
    exceptions.Timeout: "did not answer in time: see 'request_timeout' in {setting}",
    exceptions.ConnectionError: "cannot be reached: see 'host' and 'port' in {setting}",
}
_GARBAGE: Final = "gave an answer that is none of IronMQ's: see 'host', 'port' and 'path_prefix' in {setting}"
#: So much of what the other side said is repeated, in characters.
_MOST_TOLD: Final = 200
_ANSWERED: Final = (Garbage, KeyError, TypeError, ValueError)


def status_of(error: BaseException | None) -> int | None:
    """Return the status with which the service refused a call, None for what is no refusal."""
    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return int(error.response.status_code)
    return None


def is_not_found(error: BaseException) -> bool:
    """Was a call refused because the queue, or the message, is not there?"""
    return status_of(error) == NOT_FOUND


def reraise(options: IronOptions, error: BaseException) -> None:
    """Raise BrokerError for what the client library has raised, or what an answer lacks; pass over any other error."""
    if isinstance(error, (exceptions.RequestException, OSError, *_ANSWERED)):
        raise BrokerError(_told(options, error)) from (None if _quotes_secrets(options, error) else error)


def _told(options: IronOptions, error: Exception) -> str:
    what = _what(error).format(setting=SETTING)
    return " ".join(f"IronMQ at {options.where} {what}. It said: {_masked(options, _reason(error))}".split())


def _what(error: Exception) -> str:
    status = status_of(error)
    if status is not None:
        return _STATUSES.get(status, f"has a trouble of its own (status {status}, see {{setting}})")
    found = (what for kind, what in _KINDS.items() if isinstance(error, kind))
    return next(found, _GARBAGE)


def _reason(error: Exception) -> str:
    """Return what the other side said, or the innermost reason why it could not be asked."""
    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"{error.response.status_code} {_message(error.response)}"
    if isinstance(error, KeyError):
        return f"an answer without {error}"
    return str(list(_causes(error))[-1]) or type(error).__name__


def _message(response: requests.Response) -> str:
    try:
        return str(response.json()["msg"])
    except (ValueError, LookupError, TypeError):
        return response.reason or "nothing"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those that led to it; urllib3 keeps the one behind its own as ``reason``."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        inner = next((each for each in error.args if isinstance(each, BaseException)), None)
        error = getattr(error, "reason", None) or inner or error.__cause__ or error.__context__
        error = error if isinstance(error, BaseException) else None


def _quotes_secrets(options: IronOptions, error: BaseException) -> bool:
    """Would a traceback show what is secret?"""
    return any(secret in str(each) for secret in options.secrets for each in _causes(error))


def _masked(options: IronOptions, text: str) -> str:
    for secret in options.secrets:
        text = text.replace(secret, "***")
    return text[:_MOST_TOLD]
