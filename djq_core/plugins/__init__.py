"""The plugin system: the catalogue of hooks, the loader, and what plugins offer."""

from __future__ import annotations

from djq_core.plugins.hooks import Hooks
from djq_core.plugins.loader import discover, load
from djq_core.plugins.records import PluginRecord
from djq_core.plugins.registry import Registry
from djq_core.plugins.values import Health, PluginSetting

__all__ = ["Health", "Hooks", "PluginRecord", "PluginSetting", "Registry", "discover", "load"]
