"""The tasks of these tests; a copy lies in the folder of each site."""

from __future__ import annotations

import ctypes
import time

import sentry_sdk

PASSWORD = "hunter2"


def login(user: str, password: str, *, api_token: str = "", tries: int = 0) -> None:
    """Fail, with secrets among the arguments and in no text of the site's own."""
    del password, api_token
    raise PermissionError(f"no entry for {user}")


def greet() -> str:
    """Send a message of the site's own."""
    sentry_sdk.capture_message("a message of the site's own")
    return "done"


def hang(seconds: float) -> None:
    """Take no exception for an answer, and tell Sentry of each."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            time.sleep(seconds)
        except BaseException as error:
            sentry_sdk.capture_message(f"not now: {type(error).__name__}")


def crash() -> None:
    """Read from address zero."""
    ctypes.string_at(0)


def quiet() -> None:
    """Do nothing."""
