"""What botocore logs at DEBUG, the headers of a request and where it went among it, without what is secret."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

_LOGGERS: Final = ("boto3", "botocore")


def without(text: str, secrets: Collection[str]) -> str:
    """Return a text without these texts; the longest are looked for first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def hide(secrets: Collection[str]) -> None:
    """Keep these texts out of what the modules of botocore log that are loaded by now; a second call adds nothing."""
    if secrets:
        mask = _Mask(frozenset(secrets))
        for name in list(logging.root.manager.loggerDict):
            if name.partition(".")[0] in _LOGGERS:
                logging.getLogger(name).addFilter(mask)


@dataclass(frozen=True)
class _Mask:
    """A filter of a logger, equal to another one of the same secrets, so that it is added once."""

    secrets: frozenset[str]

    def filter(self, record: logging.LogRecord) -> bool:
        """Take what is secret out of a record, and let it pass."""
        message = record.getMessage()
        if (masked := without(message, self.secrets)) != message:
            record.msg, record.args = masked, ()
        if record.exc_info and record.exc_info[1]:
            told = "".join(traceback.format_exception(record.exc_info[1])).rstrip("\n")
            if (masked := without(told, self.secrets)) != told:
                record.exc_info, record.exc_text = None, masked
        return True
