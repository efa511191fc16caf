"""What djq-core finds through the entry point; the SDK is imported where ``error_reporter`` names ``sentry``."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.core.checks import CheckMessage, Error

from djq_core import hookimpl
from djq_core.plugins import PluginSetting
from djq_core.plugins.masking import masked
from djq_sentry.reporter import SentryReporter

if TYPE_CHECKING:
    from djq_core.conf import Conf
    from djq_core.reporters import ErrorReporter
    from djq_sentry.runs import Sending

CHECK_INS: Final = PluginSetting(
    "sentry_check_ins",
    (bool, list, tuple),
    default=True,
    doc="Which schedules check in with Sentry's Crons: all (True), none (False), or those of these names.",
)
_WRONG_SETTINGS: Final = "djq_sentry.E001"
_ABOUT_TASKS: Final = frozenset(
    {"djq_pre_enqueue", "djq_post_enqueue", "djq_execute", "djq_post_execute_in_worker", "djq_cluster_starting"}
)


class Sentry:
    """Errors, traces and check-ins.

    Nothing is done, and no SDK imported, where ``error_reporter`` does not name ``sentry``.
    """

    def __init__(self) -> None:
        self._settings: Mapping[str, Any] | None = None
        self._is_ours = False
        self._local = threading.local()

    def is_idle(self, hook: str) -> bool:
        """Return whether a hook has nothing to do: not configured, or no SDK where a task is sent."""
        if hook not in _ABOUT_TASKS:
            return False
        return self._settings is None or (hook.endswith("_enqueue") and not self._is_set_up())

    @staticmethod
    def _is_set_up() -> bool:
        import sentry_sdk

        return sentry_sdk.is_initialized()

    @hookimpl
    def djq_register_error_reporters(self) -> list[type[ErrorReporter]]:
        """Offer ``sentry``."""
        return [SentryReporter]

    @hookimpl
    def djq_settings(self) -> list[PluginSetting]:
        """Read which schedules check in."""
        return [CHECK_INS]

    @hookimpl
    def djq_check(self, conf: Conf) -> Sequence[CheckMessage]:
        """Say where the settings are none that the SDK takes."""
        settings = conf.error_reporter.get(SentryReporter.name)
        if settings is None:
            return []
        try:
            SentryReporter(**settings)
        except Exception as error:  # whatever the SDK says of a DSN
            told = masked(f"{type(error).__name__}: {error}", settings)
            hint = "Give keywords of sentry_sdk.init, or nothing where the site calls it itself."
            return [Error(f"`error_reporter` has wrong settings for sentry: {told}.", hint=hint, id=_WRONG_SETTINGS)]
        return []

    # A process begins

    @hookimpl
    def djq_ready(self, conf: Conf) -> None:
        """Remember the configuration."""
        self._settings = conf.error_reporter.get(SentryReporter.name)
        if self._settings is None:
            return
        from djq_sentry.checkins import Settings
        from djq_sentry.runs import STATE

        wanted = CHECK_INS.read(conf)
        schedules = wanted if isinstance(wanted, bool) else frozenset(map(str, wanted))
        STATE.queue = conf.name
        STATE.check_ins = Settings(schedules, conf.time_zone, conf.timeout)

    @hookimpl
    def djq_cluster_starting(self) -> None:
        """Set the SDK up once, for all processes that are forked from this one; it has no thread before they are."""
        from djq_sentry.sdk import SDK

        if self._settings is not None:
            SDK.begin(self._settings)
            SDK.forks = True

    @hookimpl
    def djq_post_spawn(self) -> None:
        """Let this process have what it must not share with its parent, or an SDK at all where it inherited none."""
        self._is_ours = True
        if self._settings is not None:
            from djq_sentry.sdk import SDK

            SDK.begin(self._settings)

    # The way of a task

    @hookimpl
    def djq_pre_enqueue(self, task: Mapping[str, Any]) -> Mapping[str, str]:
        """Begin the span of the sending, and return the headers that carry the trace."""
        from djq_sentry import runs

        return runs.publish(task, self._sending, is_ours=self._is_ours)

    @hookimpl
    def djq_post_enqueue(self, task: Mapping[str, Any]) -> None:
        """End the span of the sending."""
        from djq_sentry import runs

        runs.published(task, self._sending)

    @property
    def _sending(self) -> Sending:
        from djq_sentry.runs import Sending

        sending: Sending = self._local.__dict__.setdefault("sending", Sending())
        return sending

    @hookimpl(wrapper=True)
    def djq_execute(self, task: Mapping[str, Any]) -> Generator[None, Any, Any]:
        """Record the run of a task."""
        from djq_sentry.runs import Run

        run = Run(task)
        run.begin()
        try:
            result = yield
        except BaseException as error:
            run.end(error)
            raise
        run.end()
        return result

    @hookimpl
    def djq_post_execute_in_worker(self, task: Mapping[str, Any], error: BaseException | None) -> None:
        """Check in for a run that succeeded."""
        from djq_sentry import runs

        if error is None:
            runs.succeeded(task)


#: The plugin; a process has one, as it has one SDK.
PLUGIN: Final = Sentry()
