"""The order in which things are looked at; what keeps others from being looked at ends the examination."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core.checks import CheckMessage
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from djq_core.brokers.finding import ERROR, Finding
from djq_core.monitor.doctor import broker, cache, clusters, configuration, databases, schedules
from djq_core.monitor.secrets import error_text

if TYPE_CHECKING:
    from djq_core.apps import DjqConfig
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

#: What is looked at, by its name for programs, with the one for people.
AREAS: Final[Mapping[str, Any]] = {
    "configuration": gettext_lazy("Configuration"),
    "plugins": gettext_lazy("Plugins"),
    "database": gettext_lazy("Database"),
    "cache": gettext_lazy("Cache"),
    "broker": gettext_lazy("Broker"),
    "clusters": gettext_lazy("Clusters"),
    "schedules": gettext_lazy("Schedules"),
}
_LOOKS: Final[Mapping[str, Callable[[Runtime], Iterable[Finding]]]] = {
    "plugins": configuration.plugins,
    "database": databases.look,
    "cache": cache.look,
    "broker": broker.look,
    "clusters": clusters.look,
    "schedules": schedules.look,
}


#: What keeps the schedules from being looked at, and has been told.
_NO_TABLES: Final = frozenset({"database-away", "database-migrations"})


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in one area."""

    area: str
    finding: Finding

    def as_dict(self) -> dict[str, str]:
        """Return it for a program."""
        found = self.finding
        return {
            "area": self.area,
            "level": found.level,
            "code": found.code,
            "message": found.message,
            "remedy": found.remedy,
        }


def examine(config: DjqConfig, messages: Sequence[CheckMessage]) -> Iterator[Examined]:
    """Look at one thing after the other; ``messages`` are those of Django's checks of the configuration."""
    found = list(configuration.look(config, messages))
    yield from (Examined("configuration", finding) for finding in found)
    if any(finding.code.startswith("djq.E") for finding in found):
        return
    codes: set[str] = set()
    for area, look in _LOOKS.items():
        if area == "schedules" and codes & _NO_TABLES:
            continue
        for examined in _looked(area, look, config.runtime):
            codes.add(examined.finding.code)
            yield examined


def _looked(area: str, look: Callable[[Runtime], Iterable[Finding]], runtime: Runtime) -> Iterator[Examined]:
    try:
        for finding in look(runtime):
            yield Examined(area, finding)
    except Exception as error:  # whatever a server, a client or a plugin does; the other areas are looked at
        logger.debug("The %s cannot be examined", area, exc_info=True)
        message = _("This could not be looked at: %(error)s") % {"error": error_text(error)}
        remedy = _("Mend what the error says, then ask again.")
        yield Examined(area, Finding(level=ERROR, code=f"{area}-not-examined", message=message, remedy=remedy))
