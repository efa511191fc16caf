"""What a package on the queue says of itself, for people."""

from __future__ import annotations

from typing import Any

from djq_core import current
from djq_core.envelope import TASK, decode_package
from djq_core.exceptions import PackageError
from djq_core.phrases import in_words


def read_task(key: str, payload: str) -> dict[str, Any]:
    """Return the task of a package whose signature holds for the queue ``key``; only ``error`` when it cannot be read.

    Arguments stay packed: reading runs no code of a package.
    """
    runtime = current.runtime()
    try:
        text = runtime.signer.named(key).verify(TASK, payload)
        package = decode_package(text, max_bytes=runtime.conf.max_package_bytes)
    except PackageError as error:
        return {"error": in_words(error)}
    return {name: value for name, value in package.as_dict().items() if name not in ("args", "kwargs")}
