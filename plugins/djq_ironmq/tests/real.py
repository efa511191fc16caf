"""A real server in the place of the stand-in, where the environment names one."""

from __future__ import annotations

import json
import os
from typing import Any


def settings() -> dict[str, Any] | None:
    """Return the value of ``Q_CLUSTER["iron_mq"]`` for a real server, None where none is named.

    ``DJQ_TEST_IRONMQ`` is that value as JSON; ``DJQ_TEST_IRONMQ_HOST``, ``_TOKEN`` and ``_PROJECT_ID`` are three of its
    entries.
    """
    if told := os.environ.get("DJQ_TEST_IRONMQ"):
        return dict(json.loads(told))
    found = {key: os.environ.get(f"DJQ_TEST_IRONMQ_{key.upper()}") for key in ("host", "token", "project_id")}
    return {key: value for key, value in found.items() if value} or None
