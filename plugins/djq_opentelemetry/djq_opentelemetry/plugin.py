"""What djq-core finds through the entry point; light, for it is loaded by sites without traces too."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from djq_core import hookimpl
from djq_core.plugins import PluginSetting

if TYPE_CHECKING:
    from djq_core.conf import Conf

logger = logging.getLogger("djq")

SETUP: Final = PluginSetting(
    "opentelemetry_setup",
    str,
    default=None,
    doc="The dotted path of a function that sets up OpenTelemetry in each process of a cluster.",
)


_NO_SETUP: Final = "djq_opentelemetry.E001"
_HINT: Final = "Give the dotted path of a function without parameters, such as mysite.tracing.configure."


class Tracing:
    """A span where a task is sent, and one where it runs, in one trace.

    Nothing is done, and nothing imported, in a process where OpenTelemetry has not been set up.
    """

    def __init__(self) -> None:
        self._queue = "default"
        self._setup: str | None = None

    def is_idle(self, hook: str) -> bool:
        """Return whether a hook is about spans, and nobody takes any."""
        return hook in _ABOUT_SPANS and not _is_set_up()

    @hookimpl
    def djq_settings(self) -> list[PluginSetting]:
        """Read the function that sets up OpenTelemetry."""
        return [SETUP]

    @hookimpl
    def djq_check(self, conf: Conf) -> Sequence[CheckMessage]:
        """Say where the function that sets up OpenTelemetry is missing."""
        path = SETUP.read(conf)
        try:
            is_right = path is None or callable(import_string(path))
        except ImportError as error:
            return [Error(f"`{SETUP.name}` {path!r} cannot be imported: {error}.", hint=_HINT, id=_NO_SETUP)]
        return [] if is_right else [Error(f"`{SETUP.name}` {path!r} is no function.", hint=_HINT, id=_NO_SETUP)]

    @hookimpl
    def djq_ready(self, conf: Conf) -> None:
        """Remember the configuration."""
        self._queue = conf.name
        self._setup = SETUP.read(conf)

    @hookimpl
    def djq_post_spawn(self, role: str) -> None:
        """Set up OpenTelemetry in a process of the cluster, after its fork and before it works."""
        if self._setup:
            import_string(self._setup)()
            logger.debug("OpenTelemetry is set up by %s in this %s", self._setup, role)

    @hookimpl
    def djq_pre_enqueue(self, task: Mapping[str, Any]) -> Mapping[str, str]:
        """Record that a task is sent, and return the headers that carry the trace."""
        from djq_opentelemetry import spans

        return spans.created(task, self._queue)

    @hookimpl(wrapper=True)
    def djq_execute(self, func: Callable[..., Any], task: Mapping[str, Any]) -> Generator[None, Any, Any]:
        """Record the run of a task, in the trace of its headers."""
        from djq_opentelemetry import spans

        with spans.processing(task, self._queue):
            return (yield)

    @hookimpl
    def djq_process_stopping(self) -> None:
        """Send the spans that are still kept."""
        from djq_opentelemetry import spans

        spans.flush()


_ABOUT_SPANS: Final = frozenset({"djq_pre_enqueue", "djq_execute", "djq_process_stopping"})


def _is_set_up() -> bool:
    """Has anybody in this process set up OpenTelemetry? Who has must have imported it."""
    if "opentelemetry.trace" not in sys.modules:
        return False
    from opentelemetry import trace

    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


#: The plugin; a process has one, as it has one OpenTelemetry.
PLUGIN: Final = Tracing()
