"""What the tests of the task API run, and what they were given."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group

CALLS: list[Any] = []


def echo(*args: Any, **kwargs: Any) -> Any:
    CALLS.append((args, kwargs))
    return args, kwargs


def fail() -> None:
    raise ValueError("on purpose")


def name_group(name: Any) -> None:
    Group.objects.create(name=str(name))


def name_group_twice(name: Any) -> None:
    name_group(name)
    name_group(name)


def hook(task: Any) -> None:
    CALLS.append(task)


class Fragile:
    """Can be read as long as it is whole."""

    is_whole = True

    def __setstate__(self, state: Any) -> None:
        if not self.is_whole:
            raise LookupError("broken")

    def __getstate__(self) -> Any:
        return {"some": "state"}


def choose(number: int) -> Any:
    return 1 if number == 1 else Fragile()
