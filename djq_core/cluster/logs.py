"""The log of a cluster: ``HH:MM:SS [Q] LEVEL message``, unless the site configures the logger ``djq`` itself."""

from __future__ import annotations

import logging


def configure(level: str) -> None:
    """Give our logger the manual's format (1.9) where the site has given it no handler."""
    logger = logging.getLogger("djq")
    if logger.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s [Q] %(levelname)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
