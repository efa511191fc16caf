"""What a request shows to be let in: the token of the configuration, or one that Keystone gives for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import requests

#: A token of Keystone is asked for anew so many seconds before its time is over.
_EARLY: Final = 10.0


class Garbage(Exception):
    """An answer is none of the service's."""


class Keystone:
    """Asks for a token, with the time-outs of every other request, and keeps it as long as it is valid."""

    def __init__(self, keystone: Mapping[str, str], time_out: float) -> None:
        self._keystone = keystone
        self._time_out = time_out
        self._lock = threading.Lock()
        self._token = ""
        self._until = 0.0

    def token(self) -> str:
        """Return a token that is valid now; raises what requests raises, and Garbage."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._token, seconds = self._ask()
                self._until = time.monotonic() + seconds - _EARLY
            return self._token

    def _ask(self) -> tuple[str, float]:
        keystone = self._keystone
        credentials = {"username": keystone["username"], "password": keystone["password"]}
        asked = {"auth": {"tenantName": keystone["tenant"], "passwordCredentials": credentials}}
        address = f"{keystone['server'].rstrip('/')}/tokens"
        response = requests.post(address, json=asked, timeout=self._time_out, allow_redirects=False)
        response.raise_for_status()
        try:
            told: Any = response.json()["access"]["token"]
            issued, expires = (datetime.fromisoformat(told[name]) for name in ("issued_at", "expires"))
            return str(told["id"]), (expires.replace(tzinfo=None) - issued.replace(tzinfo=None)).total_seconds()
        except (ValueError, LookupError, TypeError) as error:
            raise Garbage("Keystone's answer has no token") from error
