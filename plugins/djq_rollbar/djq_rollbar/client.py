"""Rollbar's library: one configuration for the whole process, which may be the site's own."""

from __future__ import annotations

import inspect
import logging
import os
import queue
import threading
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

import rollbar
from django.conf import settings as django_settings
from rollbar.lib import transport

from djq_core.exceptions import ConfigurationError
from djq_core.reporters.base import ExcInfo
from djq_rollbar.context import scrubbed

logger = logging.getLogger("djq")

#: The keys of the setting ``ROLLBAR`` that are its Django middleware's alone.
_MIDDLEWARE_KEYS: Final = frozenset({"web_base", "patch_debugview", "ignorable_404_urls", "only_404_urls"})
#: The handlers that need an event loop, or a server, that no process of a cluster has.
_LOOPS: Final = frozenset({"async", "httpx", "tornado", "twisted", "gae"})
_HANDLERS: Final = "'thread', 'blocking', 'thread_pool' and 'agent' can"


def initialise(given: Mapping[str, Any]) -> None:
    """Initialise rollbar, unless the site has; raises ConfigurationError for what rollbar does not take."""
    if is_initialised():
        if given:
            logger.info("rollbar is initialised already and used as it is, whatever error_reporter says of it")
    else:
        chosen = dict(given) if given.get("access_token") else {**_of_site(), **given}
        _check(chosen)
        rollbar.init(**{"allow_logging_basic_config": False, **chosen})
    rollbar.events.add_payload_handler(scrubbed)
    os.register_at_fork(after_in_child=_renew)


def is_initialised() -> bool:
    """Has somebody called ``rollbar.init`` in this process, or in the one that it was forked from?"""
    return bool(rollbar._initialized)  # a second init is ignored, and there is no other way to know


def send(exc_info: ExcInfo, extra: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    """Send an error as the handler in force does: at once (``blocking``) or in a thread."""
    rollbar.report_exc_info(exc_info, extra_data=dict(extra), payload_data=dict(payload))


def wait() -> None:
    """Wait until the threads of the handler ``thread`` have sent what they have."""
    rollbar.wait()  # type: ignore[no-untyped-call]


def _of_site() -> dict[str, Any]:
    """Return the keywords in the site's setting ``ROLLBAR``, which rollbar's middleware takes in a web process."""
    own: Mapping[str, Any] = getattr(django_settings, "ROLLBAR", {})
    return {key: value for key, value in own.items() if key not in _MIDDLEWARE_KEYS}


def _check(chosen: Mapping[str, Any]) -> None:
    known = sorted({*rollbar.SETTINGS, *inspect.signature(rollbar.init).parameters} - {"kw"})
    for key in sorted(set(chosen).difference(known)):
        meant = next(iter(get_close_matches(key, known, n=1)), None)
        advice = f" Did you mean `{meant}`?" if meant else ""
        raise ConfigurationError(f"`{key}` is no keyword of rollbar.init.{advice}")
    handler = chosen.get("handler")
    if not chosen.get("access_token") and handler != "agent":
        raise ConfigurationError(
            "`access_token` is missing: give it in error_reporter['rollbar'], or in the site's setting ROLLBAR"
        )
    if handler in _LOOPS:
        raise ConfigurationError(f"The handler {handler!r} cannot send from a cluster: {_HANDLERS}")


def _renew() -> None:
    """Forget in a forked process what is its parent's: the threads that it waits for, and its connections."""
    rollbar._threads = queue.Queue()
    transport._local = threading.local()
    if rollbar.SETTINGS.get("handler") == "thread_pool":
        from rollbar.lib.thread_pool import init_pool

        init_pool(rollbar.SETTINGS.get("thread_pool_workers"))  # type: ignore[no-untyped-call]
