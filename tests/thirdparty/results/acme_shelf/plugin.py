"""What djq finds through the entry point."""

from __future__ import annotations

from djq_core import hookimpl
from djq_core.plugins import PluginSetting
from djq_core.results import ResultBackend

SHELF = PluginSetting("acme_shelf", str, default="", doc="The folder of the results.")


@hookimpl
def djq_settings() -> list[PluginSetting]:
    """Read the folder."""
    return [SHELF]


@hookimpl
def djq_register_result_backends() -> list[type[ResultBackend]]:
    """Offer the backend."""
    from acme_shelf.backend import ShelfResults

    return [ShelfResults]
