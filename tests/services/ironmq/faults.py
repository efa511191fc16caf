"""What a test lets the stand-in do wrong."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(slots=True)
class Fault:
    """One kind of trouble for the next ``times`` requests whose method and path contain ``only``.

    ``is_applied`` says that the request is carried out all the same. Then follows what becomes of the answer: it is
    delayed by so many seconds, and replaced by one of ``status`` with ``body`` and ``content_type`` (None: without
    that header), or dropped with its connection.
    """

    times: int = 1
    only: str = ""
    is_applied: bool = False
    is_dropped: bool = False
    delay: float = 0.0
    status: int | None = None
    body: str = '{"msg":"Service Unavailable"}'
    content_type: str | None = "application/json"


class Faults:
    """The trouble that is to come, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let it happen from now on."""
        with self._lock:
            self._faults.append(fault)

    def take(self, request: str) -> Fault | None:
        """Return what shall happen to a request, and count it."""
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and fault.only in request:
                    fault.times -= 1
                    return fault
        return None
