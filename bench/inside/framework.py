"""The task as one of Django's own framework, which came with Django 6; before that it is a package."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import django

from bench import work

task: Any = import_module("django.tasks" if django.VERSION >= (6, 0) else "django_tasks").task


@task
def append(number: int, milliseconds: float) -> None:
    """Run the task."""
    work.append(number, milliseconds)


def enqueue(number: int, milliseconds: float) -> None:
    """Send one task."""
    append.enqueue(number, milliseconds)
