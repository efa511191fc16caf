"""The words of a command: numbers, options, ids."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from plugins.djq_disque.tests.standin.jobs import is_id
from plugins.djq_disque.tests.standin.server import Refusal

_NOT_A_NUMBER = "ERR value is not an integer or out of range"
SYNTAX = "ERR syntax error"

#: What an option reads from the words that follow it.
Read = Callable[[deque[bytes]], None]


def number(word: bytes, otherwise: str = _NOT_A_NUMBER) -> int:
    """Return a whole number."""
    try:
        return int(word)
    except ValueError:
        raise Refusal(otherwise) from None


def timeout(word: bytes) -> int:
    """Return a time-out in milliseconds."""
    milliseconds = number(word, "ERR timeout is not an integer or out of range")
    if milliseconds < 0:
        raise Refusal("ERR timeout is negative")
    return milliseconds


def ids(words: Sequence[bytes]) -> list[str]:
    """Return ids; all are looked at before anything is done."""
    if not all(map(is_id, words)):
        raise Refusal("BADID Invalid Job ID format.")
    return [word.decode("latin-1") for word in words]


def options(words: Sequence[bytes], known: Mapping[str, Read]) -> None:
    """Read options, whose names are the same in any case, until no word is left."""
    left = deque(words)
    while left:
        read = known.get(left.popleft().decode("latin-1").upper())
        if read is None:
            raise Refusal(SYNTAX)
        try:
            read(left)
        except IndexError:
            raise Refusal(SYNTAX) from None
