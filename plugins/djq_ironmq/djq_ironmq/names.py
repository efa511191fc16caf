"""Names of queues: the client library puts them into the path as they are."""

from __future__ import annotations

import hashlib
import re
from typing import Final

_UNFIT: Final = re.compile(r"[^A-Za-z0-9_.-]")


def queue_name(list_key: str) -> str:
    """Return the name of the queue: that of the cluster, where it fits into a path, else one made from it."""
    if list_key and not _UNFIT.search(list_key) and list_key.strip("."):
        return list_key
    digest = hashlib.sha256(list_key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{_UNFIT.sub('_', list_key)}-{digest[:8]}"
