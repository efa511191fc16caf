"""The option keywords of ``async_task``, picked out of its keywords (manual 1.4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from djq_core.enqueue.options import NAMES, Options, read_options, read_q_options


def pick_options(kwargs: Mapping[str, Any]) -> tuple[Options, dict[str, Any]]:
    """Split keywords into options and those of the function.

    What stands in ``q_options`` is an option, and a keyword of that name is the function's (manual 1.4.1, q_options).
    """
    if not kwargs:
        return read_options({}), {}
    rest = dict(kwargs)
    chosen = read_q_options(rest.pop("q_options", None))
    direct = {name: rest.pop(name) for name in NAMES if name in rest and name not in chosen}
    return read_options({**direct, **chosen}), rest
