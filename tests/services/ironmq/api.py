"""The interface of IronMQ v3: routes, what is asked, what is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.services.ironmq.messages import Refused
from tests.services.ironmq.store import Store

Answer = tuple[int, dict[str, Any]]

_QUEUE_FIELDS: Final = ("type", "message_timeout", "message_expiration", "dead_letter", "push")
#: The most messages of one call, and the most seconds of a delay and of a reservation.
_MOST, _WEEK, _DAY = 100, 604_800, 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What service plans differ in: the largest body in bytes, and the shortest reservation in seconds."""

    most_bytes: int = 262_144
    shortest: int = 1


@dataclass(slots=True)
class Request:
    """One request: what its path names, its query and its body."""

    store: Store
    limits: Limits
    name: str
    id: str
    query: Mapping[str, str]
    text: bytes

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of the body; nothing counts as an empty object."""
        try:
            body = json.loads(self.text or b"{}")
        except ValueError:
            raise Refused(400, "Failed to decode JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "The body is no object")
        return body

    def timeout(self) -> int | None:
        """Return how long a reservation is to live."""
        seconds: int | None = whole(self.body, "timeout", None, self.limits.shortest, _DAY)
        return seconds

    def reservation(self) -> str | None:
        """Return the reservation under which something is asked."""
        return text(self.body, "reservation_id")


def whole(body: Mapping[str, Any], name: str, default: int | None, least: int, most: int) -> Any:
    """Return a whole number, refuse anything else."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Refused(400, f"{name} must be a whole number from {least} to {most}")
    return value


def text(body: Mapping[str, Any], name: str) -> str | None:
    """Return a text where there is one, refuse anything else."""
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(400, f"{name} must be a string")
    return value


def _objects(body: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = body.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(each, dict) for each in found):
        raise Refused(400, f"{name} must be a list of objects")
    if len(found) > _MOST:
        raise Refused(400, f"No more than {_MOST} {name} in a call")
    return found


def _number_of(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name, str(default))
    return int(whole({name: int(value) if value.isdecimal() else value}, name, default, 1, _MOST))


def _fields(request: Request) -> dict[str, Any]:
    given = request.body.get("queue", {})
    if not isinstance(given, dict) or given.keys() - set(_QUEUE_FIELDS):
        raise Refused(400, "Unknown fields of a queue")
    return given


def list_queues(request: Request) -> Answer:
    """Return names of queues."""
    query = request.query
    names = request.store.names(query.get("prefix", ""), query.get("previous", ""), _number_of(query, "per_page", 30))
    return 200, {"queues": [{"name": name} for name in names]}


def create_queue(request: Request) -> Answer:
    """Create a queue."""
    return 200, {"queue": request.store.set_queue(request.name, _fields(request), creates=True)}


def update_queue(request: Request) -> Answer:
    """Set fields of a queue."""
    fields = _fields(request)
    if "type" in fields:
        raise Refused(400, "The type of a queue cannot be changed")
    return 200, {"queue": request.store.set_queue(request.name, fields, creates=False)}


def show_queue(request: Request) -> Answer:
    """Return a queue."""
    return 200, {"queue": request.store.show_queue(request.name)}


def delete_queue(request: Request) -> Answer:
    """Remove a queue."""
    request.store.drop(request.name)
    return 200, {"msg": "Deleted"}


def post(request: Request) -> Answer:
    """Add messages."""
    messages = [_posted(each, request.limits.most_bytes) for each in _objects(request.body, "messages")]
    return 201, {"ids": request.store.post(request.name, messages), "msg": "Messages put on queue."}


def _posted(message: Mapping[str, Any], most: int) -> tuple[str, int]:
    body = text(message, "body")
    if body is None:
        raise Refused(400, "body is required")
    if len(body.encode("utf-8", "surrogatepass")) > most:
        raise Refused(400, f"A message holds no more than {most} bytes")
    return body, int(whole(message, "delay", 0, 0, _WEEK))


def reserve(request: Request) -> Answer:
    """Hand out messages."""
    body, deletes = request.body, request.body.get("delete", False)
    if not isinstance(deletes, bool):
        raise Refused(400, "delete must be true or false")
    count, wait = whole(body, "n", 1, 1, _MOST), whole(body, "wait", 0, 0, 30)
    found = request.store.reserve(request.name, count, request.timeout(), wait, deletes=deletes)
    return 200, {"messages": found}


def touch(request: Request) -> Answer:
    """Renew a reservation."""
    new = request.store.touch(request.name, request.id, request.reservation(), request.timeout())
    return 200, {"reservation_id": new, "msg": "Touched"}


def release(request: Request) -> Answer:
    """Hand a message back."""
    delay = whole(request.body, "delay", 0, 0, _WEEK)
    request.store.release(request.name, request.id, request.reservation(), delay)
    return 200, {"msg": "Released"}


def delete(request: Request) -> Answer:
    """Remove a message."""
    request.store.delete(request.name, [(request.id, request.reservation())])
    return 200, {"msg": "Deleted"}


def delete_many(request: Request) -> Answer:
    """Remove messages, or all of them."""
    if "ids" not in request.body:
        request.store.clear(request.name)
        return 200, {"msg": "Cleared"}
    wanted = [(text(each, "id") or "", text(each, "reservation_id")) for each in _objects(request.body, "ids")]
    request.store.delete(request.name, wanted)
    return 200, {"msg": "Deleted"}


def peek(request: Request) -> Answer:
    """Look at messages."""
    return 200, {"messages": request.store.peek(request.name, _number_of(request.query, "n", 1))}


def show(request: Request) -> Answer:
    """Look at one message."""
    return 200, {"message": request.store.show(request.name, request.id)}


ROUTES: Final[Mapping[str, Mapping[str, Callable[[Request], Answer]]]] = {
    "queues": {"GET": list_queues},
    "queues/{name}": {"PUT": create_queue, "GET": show_queue, "PATCH": update_queue, "DELETE": delete_queue},
    "queues/{name}/messages": {"POST": post, "GET": peek, "DELETE": delete_many},
    "queues/{name}/reservations": {"POST": reserve},
    "queues/{name}/messages/{id}": {"GET": show, "DELETE": delete},
    "queues/{name}/messages/{id}/touch": {"POST": touch},
    "queues/{name}/messages/{id}/release": {"POST": release},
}
_PATTERNS: Final = [(re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), verbs) for path, verbs in ROUTES.items()]


def answer(store: Store, limits: Limits, verb: str, path: str, query: Mapping[str, str], body: bytes) -> Answer:
    """Return status and JSON of the answer to a request; ``path`` begins after the project."""
    try:
        for pattern, verbs in _PATTERNS:
            if match := pattern.fullmatch(path):
                if verb not in verbs:
                    raise Refused(405, "Method not allowed")
                named = {"name": "", "id": "", **match.groupdict()}
                return verbs[verb](Request(store, limits, named["name"], named["id"], query, body))
        raise Refused(404, "Not found")
    except Refused as refused:
        return refused.status, {"msg": refused.reason}
