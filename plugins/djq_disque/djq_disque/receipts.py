"""Receipts: which job was handed out by which node, and in which delivery of it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from djq_core.exceptions import BrokerError

_ID: Final = re.compile(r"D-.{8}-.{24}-.{4}")
_RECEIPT: Final = re.compile(r"(?P<id>D-.{8}-.{24}-.{4})@(?P<node>\S*)#(?P<nacks>\d+)\.(?P<additional>\d+)")


class Receipt(NamedTuple):
    """A job with the node that knows it, "" for any, and what its counters were when it was handed out."""

    id: str
    node: str
    nacks: int = 0
    additional: int = 0

    def __str__(self) -> str:
        return f"{self.id}@{self.node}#{self.nacks}.{self.additional}"

    @classmethod
    def read(cls, text: str) -> Receipt:
        """Return a receipt, or the job of an id that ``enqueue`` returned; raise BrokerError for anything else."""
        if found := _RECEIPT.fullmatch(text):
            return cls(found["id"], found["node"], int(found["nacks"]), int(found["additional"]))
        if _ID.fullmatch(text):
            return cls(text, "")
        raise BrokerError(f"{text!r} is no receipt of the Disque broker; one looks like 'D-…@127.0.0.1:7711#0.0'.")
