"""What MongoDB says, as the broker's errors: one line that names the setting and shows no password and no package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bson.errors import BSONError
from pymongo import errors

from djq_core.exceptions import BrokerError
from djq_mongo.options import MongoOptions

_UNAUTHORIZED: Final = 13
_AUTHENTICATION_FAILED: Final = 18
_WRONG_USER: Final = "refuses the user or password in {setting}: see 'authSource' too."
#: By the server's code.
_CODES: Final[Mapping[int, str]] = {
    _AUTHENTICATION_FAILED: _WRONG_USER,
    8000: _WRONG_USER,
    _UNAUTHORIZED: "does not let the user in {setting} do this: it needs the role readWrite on the queues' database.",
    64: "has taken it, and not enough servers have confirmed it in time: see 'w' in {setting}.",
    79: "does not know the write concern that 'w' in {setting} names.",
    100: "has fewer servers than 'w' in {setting} asks for.",
    10_107: "is not the primary: name its replica set in {setting} ('replicaSet').",
    13_435: "is not the primary: name its replica set in {setting} ('replicaSet').",
    14_031: "has no room left on its disk and takes nothing (see {setting}).",
    10_334: "takes no package of this size (see {setting}).",
    17_280: "takes no package of this size (see {setting}).",
}
_NO_USER: Final = "wants a user and a password, and {setting} has none."
#: What pymongo adds to a reason for those who look for the cause in its own state.
_TAILS: Final = (", Timeout:", " (configured timeouts:", ", full error:")


def reraise(options: MongoOptions, error: BaseException) -> None:
    """Raise BrokerError for what pymongo has raised; pass over any other error."""
    if isinstance(error, errors.PyMongoError | BSONError | OSError):
        raise BrokerError(_told(options, error)) from (None if _quotes(options, error) else error)


def _quotes(options: MongoOptions, error: BaseException | None) -> bool:
    """Would a traceback show what is secret, or a package, in this error or in one that led to it?"""
    while error is not None:
        text = str(error)
        if isinstance(error, errors.BulkWriteError) or options.masked(text) != text:
            return True
        error = error.__cause__ or error.__context__
    return False


def _told(options: MongoOptions, error: Exception) -> str:
    what = _what(options, error).format(setting=options.setting)
    told = f"MongoDB at {options.where} {what} It said: {options.masked(reason_of(error))}"
    return " ".join(told.split())


def _what(options: MongoOptions, error: Exception) -> str:
    code = code_of(error)
    if code is not None and code in _CODES:
        return _NO_USER if code == _UNAUTHORIZED and not options.secrets else _CODES[code]
    if isinstance(error, BSONError):
        return "cannot be sent this (see {setting})."
    if is_about_the_user(error):
        return _CODES[_AUTHENTICATION_FAILED]
    is_late = isinstance(error, errors.PyMongoError) and error.timeout
    if is_late and not isinstance(error, errors.ServerSelectionTimeoutError):
        return "did not answer in time: see 'timeoutMS' in {setting}."
    if isinstance(error, errors.OperationFailure):
        return "refused what was asked (see {setting})."
    return f"cannot be reached: see {{setting}}{_tls(options)}"


def is_about_the_user(error: BaseException) -> bool:
    """Tell whether user or password are refused: pymongo says so once, and then calls the server away."""
    if isinstance(error, errors.ServerSelectionTimeoutError):
        return "authentication failed" in str(error).lower()
    return _CODES.get(code_of(error) or 0) == _WRONG_USER


def _tls(options: MongoOptions) -> str:
    return "; is this the server's port for TLS?" if options.has_tls else "."


def code_of(error: BaseException) -> int | None:
    """Return the server's code, None where it did not answer."""
    if isinstance(error, errors.BulkWriteError):
        first = _first(error)
        return first.get("code")
    if isinstance(error, errors.NotPrimaryError):
        details = error.details
        return details.get("code", 10_107) if isinstance(details, Mapping) else 10_107
    return error.code if isinstance(error, errors.OperationFailure) else None


def reason_of(error: BaseException) -> str:
    """Return what the server or pymongo says, without pymongo's own state and without what was sent."""
    if isinstance(error, errors.BulkWriteError):
        return str(_first(error).get("errmsg") or "a write failed")
    if isinstance(error, errors.OperationFailure) and (error.details or {}).get("errmsg"):
        return str((error.details or {})["errmsg"])
    text = str(error) or type(error).__name__
    for tail in _TAILS:
        text = text.partition(tail)[0]
    return text


def _first(error: errors.BulkWriteError) -> Mapping[str, Any]:
    found = [*error.details.get("writeErrors", ()), *error.details.get("writeConcernErrors", ())]
    return found[0] if found else {}
