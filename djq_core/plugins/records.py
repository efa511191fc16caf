"""What is known of a plugin, loaded or not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from djq_core.plugins.values import PluginSetting

Status: TypeAlias = Literal["loaded", "broken", "disabled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginRecord:
    """One entry point: where it comes from, what became of it, and what it offers.

    ``offers`` maps each kind ("brokers", "serializers", …) to the names it registered; ``capabilities`` maps each of
    its brokers to the flags that are set; ``error`` is why a broken one could not be used.
    """

    name: str
    distribution: str
    version: str
    status: Status = "loaded"
    error: str | None = None
    hooks: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    offers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    capabilities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: tuple[PluginSetting, ...] = ()

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}".strip()

    def goes_by(self, name: str) -> bool:
        """Return whether this is the name of the entry point or of the distribution."""
        return name == self.name or normalized(name) == normalized(self.distribution)

    def as_dict(self) -> dict[str, Any]:
        """Return what ``manage.py djq plugins --json`` shows; a secret setting shows no default."""
        return asdict(self) | {"settings": [_described(setting) for setting in self.settings]}


def normalized(distribution: str) -> str:
    """Return the name of a distribution as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _described(setting: PluginSetting) -> dict[str, Any]:
    return {
        "name": setting.name,
        "type": setting.type_name,
        "default": None if setting.secret or setting.default is None else repr(setting.default),
        "secret": setting.secret,
        "doc": setting.doc,
    }
