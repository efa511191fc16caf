"""The two marks of the plugin system; nothing here needs Django."""

from __future__ import annotations

from pluggy import HookimplMarker, HookspecMarker

PROJECT = "djq"

hookspec = HookspecMarker(PROJECT)

#: Marks a function or method of a plugin as the implementation of the hook of that name.
hookimpl = HookimplMarker(PROJECT)
