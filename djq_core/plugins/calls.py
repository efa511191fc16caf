"""One implementation of one hook: how core calls it, and what it does with one that raises."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pluggy import HookImpl

from djq_core.signals import own_copy

logger = logging.getLogger("djq")

#: An implementation that raised this many times in a row is left out …
STRIKES: Final = 5
#: … for this many seconds.
PAUSE: Final = 60.0


class Implementation:
    """Call one implementation alone."""

    def __init__(self, hook: str, impl: HookImpl, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.hook = hook
        self.plugin = impl.plugin_name
        self._function = impl.function
        self._names = (*impl.argnames, *impl.kwargnames)
        self._is_idle: Callable[[str], bool] | None = getattr(impl.plugin, "is_idle", None)
        self._clock = clock
        self._strikes = 0
        self._paused_until: float | None = None

    def is_active(self) -> bool:
        """Return whether there is anything to do; core's own plugin says no where nobody listens."""
        return self._is_idle is None or not self._is_idle(self.hook)

    def call(self, arguments: Mapping[str, Any]) -> Any:
        """Call with those of the arguments that it names, the task as a copy; raise what it raises."""
        chosen = {name: arguments[name] for name in self._names if name in arguments}
        if "task" in chosen:
            chosen["task"] = own_copy(chosen["task"])
        return self._function(**chosen)

    def notify(self, arguments: Mapping[str, Any]) -> Any:
        """Call and return what it returns, None where it raised (which is logged) or is left out for now."""
        if self._is_paused():
            return None
        try:
            value = self.call(arguments)
        except (Exception, SystemExit) as error:
            self._strike(error)
            return None
        self._strikes = 0
        return value

    def _is_paused(self) -> bool:
        if self._paused_until is None:
            return False
        if self._clock() < self._paused_until:
            return True
        self._paused_until, self._strikes = None, 0
        return False

    def _strike(self, error: BaseException) -> None:
        self._strikes += 1
        logger.error("Plugin %s failed in %s", self.plugin, self.hook, exc_info=error)
        if self._strikes >= STRIKES:
            self._paused_until = self._clock() + PAUSE
            logger.error(
                "Plugin %s failed in %s %d times in a row and is left out for %d s",
                self.plugin,
                self.hook,
                self._strikes,
                PAUSE,
            )


def read_only(task: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a view of the task that cannot be changed."""
    return MappingProxyType(
        {
            key: MappingProxyType(value) if isinstance(value, dict) and key in ("kwargs", "headers") else value
            for key, value in task.items()
        }
    )
