"""The first call in a process that did not inherit Django."""

from __future__ import annotations

import pickle
from multiprocessing.reduction import ForkingPickler

from djq_core.entry import Entry

CALLS: list[tuple[object, ...]] = []


def note(*args: object) -> None:
    CALLS.append(args)


def test_an_entry_calls_its_function() -> None:
    CALLS.clear()
    Entry(note, 1, "two")()
    assert CALLS == [(1, "two")]


def test_an_entry_travels_and_calls_there() -> None:
    CALLS.clear()
    again = pickle.loads(bytes(ForkingPickler.dumps(Entry(note, 1, "two"))))
    assert isinstance(again, Entry)
    again()
    assert CALLS == [(1, "two")]


def test_nothing_of_ours_is_imported_before_django_is_set_up() -> None:
    """What travels names only the entry itself; function and arguments are bytes inside it."""
    travelling = bytes(ForkingPickler.dumps(Entry(note, 1)))
    loads, (inner,) = Entry(note, 1).__reduce__()
    assert loads.__module__ == "djq_core.entry"
    assert travelling.index(b"_enter") < travelling.index(inner)
