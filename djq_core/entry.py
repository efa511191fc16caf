"""The first thing that a process of ours does when it did not inherit Django from its parent."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any


class Entry:
    """A call for a new process; unpickling it sets Django up before anything of ours is imported."""

    def __init__(self, function: Callable[..., None], *args: Any) -> None:
        self._function = function
        self._args = args

    def __call__(self) -> None:
        self._function(*self._args)

    def __reduce__(self) -> tuple[Callable[[bytes], Entry], tuple[bytes]]:
        return _enter, (bytes(ForkingPickler.dumps((self._function, self._args))),)


def _enter(data: bytes) -> Entry:
    import django

    django.setup()
    function, args = ForkingPickler.loads(data)
    return Entry(function, *args)
