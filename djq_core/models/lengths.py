"""The most characters of what tables have in common."""

from __future__ import annotations

from typing import Final

GROUP_LENGTH: Final = 100
NAME_LENGTH: Final = 100
FUNC_LENGTH: Final = 256
ID_LENGTH: Final = 32
