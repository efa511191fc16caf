"""Names that both sides know."""

from __future__ import annotations

#: The module of the tasks and hooks.
TASKS = "tests.harness.tasks"
#: The module of the tasks that do harm.
HOSTILE = "tests.harness.hostile"
