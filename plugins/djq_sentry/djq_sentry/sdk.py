"""The Sentry SDK of this process: the one that the site has set up, or ours."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

import sentry_sdk
from sentry_sdk.consts import DEFAULT_OPTIONS
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.transport import make_transport
from sentry_sdk.utils import Dsn

logger = logging.getLogger("djq")

#: Seconds that the start of a task may wait until the errors of those before it are sent, for it may end the process …
SETTLING: Final = 0.25
#: … and seconds for which nothing waits after Sentry took longer.
PAUSE: Final = 30.0
#: Whose frames are not the site's, wherever they are installed.
OURS: Final = ("djq_core", "djq_opentelemetry", "djq_sentry", "pluggy")


def check(settings: Mapping[str, Any]) -> None:
    """Raise TypeError for a keyword that ``sentry_sdk.init`` does not know, ValueError for what is no DSN."""
    for name in settings:
        if name not in DEFAULT_OPTIONS:
            raise TypeError(f"sentry_sdk.init knows no {name!r}")
    if settings.get("dsn"):
        Dsn(settings["dsn"])


class Sdk:
    """What is done once in each process before it sends anything, and last before it ends.

    The SDK sends in a thread, which no fork takes along, nor may a process that forks again have one.
    """

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._is_known = False
        self._slow_until = 0.0
        self.forks = False
        self.has_news = False

    def begin(self, settings: Mapping[str, Any]) -> None:
        """Use the SDK that is there; set it up with these settings where there is none."""
        if self._is_known and self._pid == os.getpid() and sentry_sdk.is_initialized():
            return
        with self._lock:
            if not sentry_sdk.is_initialized():
                given = settings.get("in_app_exclude") or ()
                sentry_sdk.init(**{**settings, "in_app_exclude": [*given, *OURS]})
                if sentry_sdk.get_client().transport is None:
                    logger.warning(
                        "Sentry is sent nothing: error_reporter['sentry'] has no dsn, and there is no SENTRY_DSN"
                    )
            elif not self._is_known and settings:
                logger.info(
                    "Sentry is set up by the site; error_reporter['sentry'] is not used: %s", ", ".join(settings)
                )
            ignore_logger(logger.name)  # its errors are reported with their task; once is enough
            self._is_known = True
        self.renew()

    def renew(self) -> None:
        """Leave what this process inherited to its parent: the queue with its reports, the connections, the trace."""
        if self._pid == os.getpid():
            return
        self._pid = os.getpid()
        self.forks = self.has_news = False
        client = sentry_sdk.get_client()
        if client.transport is None:
            return
        client.transport = make_transport(client.options)
        if client.monitor is not None and client.transport is not None:
            client.monitor.transport = client.transport
        sentry_sdk.get_isolation_scope().set_new_propagation_context()

    def settle(self) -> None:
        """Let errors go out that have just been reported, unless Sentry is slow."""
        began = time.monotonic()
        if self.has_news and began >= self._slow_until:
            sentry_sdk.flush(SETTLING)
            if time.monotonic() - began >= SETTLING:
                self._slow_until = began + PAUSE
        self.has_news = False

    def flush(self, seconds: float) -> None:
        """Wait at most so many seconds until everything is sent; a process that forks has no thread afterwards."""
        if not self._is_known:
            return
        self.renew()
        began = time.monotonic()
        sentry_sdk.flush(seconds)
        if time.monotonic() - began >= seconds:
            logger.warning("Sentry has not taken within %.2g s what was left to be sent", seconds)
        transport = sentry_sdk.get_client().transport
        if self.forks and transport is not None:
            transport.kill()


#: The one of this process.
SDK: Final = Sdk()
