"""What Redis says, as the broker's errors: one line that names the setting and shows no password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from redis import exceptions
from redis.sentinel import MasterNotFoundError

from djq_core.exceptions import BrokerError
from djq_redis.options import RedisOptions

_CONNECTIONS: Final[Mapping[type[Exception], str]] = {
    exceptions.AuthenticationError: "refuses the user or password in {setting}.",
    exceptions.NoPermissionError: "does not let the user in {setting} do this: its ACL lacks a command or a key.",
    exceptions.TimeoutError: "did not answer in time: see 'socket_timeout' in {setting}{tls}",
    exceptions.BusyLoadingError: "is reading its data from disk; try again soon.",
}
_KINDS: Final[Mapping[type[Exception], str]] = {
    exceptions.ReadOnlyError: "is read-only: name the primary in {setting}, not a replica.",
    exceptions.OutOfMemoryError: "is out of memory and took nothing: raise its 'maxmemory' (see {setting}).",
    exceptions.AskError: "is a node of a cluster: write {setting} as one, 'redis+cluster://host:port'.",
    exceptions.ClusterDownError: "is a cluster that is down, or takes nothing for this queue (see {setting}).",
}
_WORDS: Final[Mapping[str, str]] = {
    "DB index": "has no database of this number: see 'db' in {setting}.",
    "MISCONF": "cannot write its data to disk and takes nothing (see {setting}).",
    "WRONGTYPE": "holds something else under a key of this queue: choose another 'db' in {setting}.",
}


def reraise(options: RedisOptions, error: BaseException) -> None:
    """Raise BrokerError for what redis-py has raised; pass over any other error."""
    if isinstance(error, exceptions.RedisError | exceptions.RedisClusterException | OSError):
        raise BrokerError(_told(options, error)) from (None if _quotes_secrets(options, error) else error)


def _quotes_secrets(options: RedisOptions, error: BaseException | None) -> bool:
    """Would a traceback show what is secret, in this error or in one that led to it?"""
    while error is not None:
        if any(secret in str(error) for secret in options.secrets):
            return True
        error = error.__cause__ or error.__context__
    return False


def _told(options: RedisOptions, error: Exception) -> str:
    told = f"Redis at {options.where} {_what(options, error)} It said: {_masked(options, error)}"
    return " ".join(told.split())


def _what(options: RedisOptions, error: BaseException) -> str:
    setting = options.setting
    if isinstance(error, exceptions.RedisClusterException):
        return _without_a_cluster(options, error)
    if isinstance(error, MasterNotFoundError):
        return _without_a_primary(setting, error)
    if isinstance(error, exceptions.AuthenticationError) and not options.secrets and options.cache is None:
        return f"wants a password, and {setting} has none."
    for kind, remedy in _CONNECTIONS.items():
        if isinstance(error, kind):
            return remedy.format(setting=setting, tls=_tls(options))
    if isinstance(error, exceptions.ResponseError):
        return _refusal(setting, error)
    return f"cannot be reached: see {setting}{_tls(options)}"


def _without_a_primary(setting: str, error: MasterNotFoundError) -> str:
    if "AuthenticationError" in str(error):
        return f"is not known: a sentinel refuses the user or password that {setting} has for it."
    return f"is not known: no sentinel in {setting} answers and has a primary of this name that is up."


def _without_a_cluster(options: RedisOptions, error: exceptions.RedisClusterException) -> str:
    """Return what kept the last node from telling the others; where it answered, what is wrong with them."""
    if error.__cause__ is not None:
        return _what(options, error.__cause__)
    if "not enabled" in str(error):
        return f"is no cluster: name a single server in {options.setting}, 'redis://host:port/db'."
    return f"is a cluster that has no server for some of its slots (see {options.setting})."


def _refusal(setting: str, error: exceptions.ResponseError) -> str:
    for kind, remedy in _KINDS.items():
        if isinstance(error, kind):
            return remedy.format(setting=setting)
    for words, remedy in _WORDS.items():
        if words in str(error):
            return remedy.format(setting=setting)
    return f"refused what was asked (see {setting})."


def _tls(options: RedisOptions) -> str:
    if options.keywords.get("ssl"):
        return "; is this the server's port for TLS?"
    return "."


def _masked(options: RedisOptions, error: Exception) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, MasterNotFoundError):
        text = text.partition(" : ")[0]  # what follows are the sentinels with all that their clients were given
    for secret in options.secrets:
        text = text.replace(secret, "***")
    return text
