"""Batches: at most ten entries each, answered entry by entry; what failed for no fault of ours is sent again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError

from djq_sqs.errors import is_throttled, is_too_long
from djq_sqs.options import LARGEST, MOST

#: The seconds between the tries of an entry.
PAUSES: Final = (0.1, 0.3, 0.9)

Entry = Mapping[str, Any]


@dataclass(slots=True)
class Outcome:
    """What SQS has answered to each entry, by its place: the entry's own answer, or why it failed."""

    done: dict[int, Entry] = field(default_factory=dict)
    failed: dict[int, Entry] = field(default_factory=dict)


def send(
    call: Callable[[Sequence[Entry]], Entry],
    entries: Sequence[Entry],
    sizes: Sequence[int] = (),
    to: Outcome | None = None,
) -> Outcome:
    """Send entries in as few requests as they fit into; ``sizes`` are the bytes that count of each.

    An entry that SQS itself failed to serve is sent again, up to three times; those beside it are not.
    Raises what a request raises as a whole; what was answered before is in the outcome that was given.
    """
    outcome = Outcome() if to is None else to
    for places in _requests(sizes or [0] * len(entries)):
        _send(call, entries, places, outcome)
    return outcome


def _send(call: Callable[[Sequence[Entry]], Entry], entries: Sequence[Entry], places: list[int], to: Outcome) -> None:
    for pause in (*PAUSES, None):
        answer = _ask(call, entries, places, to)
        to.done |= {int(each["Id"]): each for each in answer.get("Successful", ())}
        failed = {int(each["Id"]): each for each in answer.get("Failed", ())}
        again = [place for place, each in failed.items() if not each.get("SenderFault") or is_throttled(each)]
        if pause is None or not again:
            to.failed |= failed
            return
        to.failed |= {place: each for place, each in failed.items() if place not in again}
        places = again
        time.sleep(pause * random.uniform(0.5, 1.0))


def _ask(call: Callable[[Sequence[Entry]], Entry], entries: Sequence[Entry], places: list[int], to: Outcome) -> Entry:
    """Make one request; one that is too long for this server, which may be an older one, is halved."""
    try:
        return call([{**entries[place], "Id": str(place)} for place in places])
    except ClientError as error:
        if not is_too_long(error) or len(places) == 1:
            raise
    half = len(places) // 2
    for part in (places[:half], places[half:]):
        _send(call, entries, part, to)
    return {}


def _requests(sizes: Iterable[int]) -> Iterator[list[int]]:
    """Yield the places of what fits into one request."""
    places: list[int] = []
    total = 0
    for place, size in enumerate(sizes):
        if places and (len(places) == MOST or total + size > LARGEST):
            yield places
            places, total = [], 0
        places.append(place)
        total += size
    if places:
        yield places
