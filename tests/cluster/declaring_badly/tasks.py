"""Tasks that cannot be imported."""

from __future__ import annotations

raise RuntimeError("on purpose")
