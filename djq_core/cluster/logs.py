"""The log of a cluster: ``HH:MM:SS [Q] LEVEL message``, unless the site configures the logger ``djq`` itself."""

from __future__ import annotations

import logging
from typing import Final

#: What steers a terminal: control characters but tabs and ends of lines, and those that turn the direction of text.
_CONTROLS: Final = {*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A)} - {9, 10}
_SHOWN: Final = dict.fromkeys(_CONTROLS, "�")


def configure(level: str) -> None:
    """Give our logger the manual's format (1.9) where the site has given it no handler."""
    logger = logging.getLogger("djq")
    if logger.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(_Plain("%(asctime)s [Q] %(levelname)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False


class _Plain(logging.Formatter):
    """Writes names and errors of tasks, which may hold anything, so that they cannot steer the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).translate(_SHOWN)
