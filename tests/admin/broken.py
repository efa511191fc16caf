"""Cannot be imported."""

from __future__ import annotations

raise RuntimeError("It is broken.")
