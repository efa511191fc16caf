"""An app of a test site whose receiver refuses one function."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig


class Receivers(AppConfig):
    """Connect the receiver when the site starts."""

    name = "tests.harness"
    label = "receivers"

    def ready(self) -> None:
        """Connect it."""
        from djq_core.signals import pre_execute

        pre_execute.connect(refuse, dispatch_uid="tests.harness.refuse")


def refuse(sender: object, func: Any, task: dict[str, Any], **kwargs: object) -> None:
    """Raise for the one function that is not wanted."""
    if task["func"].endswith(".vetoed"):
        raise PermissionError(f"the receiver refuses {task['name']}")
