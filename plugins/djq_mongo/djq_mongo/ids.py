"""The ids of packages."""

from __future__ import annotations

import re
import secrets
from typing import Final

_ID: Final = re.compile(r"[0-9a-f]{14}-[0-9a-f]{8}")


def is_id(text: str) -> bool:
    """Tell whether a text is the id of a package."""
    return _ID.fullmatch(text) is not None


def new_id(stamp: int) -> str:
    """Return the id of a package that was sent at this microsecond since 1970: ids sort as their packages were sent."""
    return f"{stamp:014x}-{secrets.token_hex(4)}"
