"""What came to the endpoint, as Sentry reads it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.services.recorder import Recorder, Request


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an envelope: its type, its payload, and the envelope's own header."""

    type: str
    payload: Any
    envelope: dict[str, Any]


def items_of(request: Request) -> list[Item]:
    """Return the items of an envelope."""
    header, _, rest = request.body.partition(b"\n")
    items = []
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        told = json.loads(line)
        size = told.get("length", rest.find(b"\n"))
        items.append(Item(told["type"], json.loads(rest[:size]), json.loads(header)))
        rest = rest[size:].lstrip(b"\n")
    return items


class Inbox:
    """What came for one project, by what it is."""

    def __init__(self, endpoint: Recorder, project: int) -> None:
        self.endpoint = endpoint
        self._project = project

    @property
    def dsn(self) -> str:
        """The DSN that leads to it."""
        return f"{self.endpoint.url.replace('//', '//key@')}/{self._project}"

    @property
    def requests(self) -> list[Request]:
        """The requests for the project; no other kind is made."""
        path = f"/api/{self._project}/envelope/"
        return [each for each in self.endpoint.requests if (each.method, each.path) == ("POST", path)]

    def all(self, kind: str) -> list[Any]:
        """Return the payloads of this type: event, transaction, check_in, span, client_report."""
        items = [item for request in self.requests for item in items_of(request)]
        return [item.payload for item in items if item.type == kind]

    def wait(self, kind: str, count: int = 1, seconds: float = 20.0) -> list[Any]:
        """Wait for so many payloads of a type and return them."""
        return self.find(kind, lambda payload: True, count, seconds)

    def find(self, kind: str, wanted: Callable[[Any], bool], count: int = 1, seconds: float = 20.0) -> list[Any]:
        """Wait for so many payloads of a type that are wanted, and return those."""

        def found() -> list[Any]:
            return [payload for payload in self.all(kind) if wanted(payload)]

        self.endpoint.wait(lambda _: len(found()) >= count, f"{count} of {kind}: {self.all(kind)[-3:]}", seconds)
        return found()


def error_of(event: Any) -> tuple[str, str]:
    """Return type and text of the error of an event."""
    value = event["exception"]["values"][-1]
    return value["type"], value["value"]


def is_of(task: str) -> Callable[[Any], bool]:
    """Return whether a payload is about the task of this name."""
    return lambda payload: payload.get("tags", {}).get("djq.name") == task
