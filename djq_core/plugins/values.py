"""What plugins hand to core, besides classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from djq_core.conf import Conf


@dataclass(frozen=True, slots=True)
class PluginSetting:
    """A key of ``Q_CLUSTER`` that a plugin reads.

    ``type`` is what its value must be an instance of; the value of a ``secret`` one is never shown; ``doc`` is one
    line for its reader.
    """

    name: str
    type: type[Any] | tuple[type[Any], ...]
    default: Any = field(default=None, kw_only=True, repr=False)
    secret: bool = field(default=False, kw_only=True)
    doc: str = field(default="", kw_only=True)

    def read(self, conf: Conf) -> Any:
        """Return the configured value, or the default."""
        return conf.plugin_settings.get(self.name, self.default)

    def accepts(self, value: object) -> bool:
        """Return whether the value has the declared type; True is no number, an int is a float too."""
        types = self.type if isinstance(self.type, tuple) else (self.type,)
        if isinstance(value, bool):
            return bool in types or object in types
        return isinstance(value, types) or (isinstance(value, int) and float in types)

    @property
    def type_name(self) -> str:
        """The declared type for people."""
        types = self.type if isinstance(self.type, tuple) else (self.type,)
        return " or ".join(kind.__name__ for kind in types)


@dataclass(frozen=True, slots=True)
class Health:
    """What a plugin says of its own state: ``name`` of what was looked at, and a sentence when it is not well."""

    name: str
    is_healthy: bool = True
    message: str = ""
