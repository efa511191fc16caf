"""From link to link of a chain: the next one is sent once its parent is saved, and the end is noted (manual 1.7)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from django.db import DatabaseError

from djq_core.cluster.faults import Faults
from djq_core.envelope import TaskPackage, TaskResult
from djq_core.exceptions import BrokerError, ResultBackendUnavailable
from djq_core.results import ResultBackend, Stored, parts
from djq_core.results.records import end_of

logger = logging.getLogger("djq")

Submit = Callable[[TaskPackage], object]


class LinkNotSent(ResultBackendUnavailable):
    """The next link cannot be sent now."""


class Chains:
    """Sends what follows a link, and notes where a chain has ended, for those who wait for it.

    All of it raises ResultBackendUnavailable where the broker or a database is away.
    """

    def __init__(
        self,
        faults: Faults,
        is_kept: Callable[[TaskResult], bool],
        is_final: Callable[[TaskResult, Stored | None], bool],
    ) -> None:
        """``is_kept`` says whether a result is saved, ``is_final`` whether its task is not tried again."""
        self._faults = faults
        self._is_kept = is_kept
        self._is_final = is_final

    @staticmethod
    def pass_on(unkept: Sequence[TaskResult]) -> set[str]:
        """Return the ids of successes that are not kept; a link only once, for its second run sends no next one."""
        links = [end_of(result, is_final=not result.package.chain) for result in unkept if result.package.chain_id]
        return {*parts.pass_on(links), *(each.package.id for each in unkept if not each.package.chain_id)}

    def go_on(self, result: TaskResult, stored: Stored | None, submit: Submit) -> None:
        """Submit the next link; note where a chain has ended."""
        package = result.package
        goes_on = result.success or (package.goes_on and self._is_final(result, stored))
        link = package.next_link() if goes_on else None
        if link is not None:
            self._faults.hit("monitor.before_link")
        is_sent = link is not None and self._submit(link, package, submit)
        if package.chain_id is None:
            return
        has_stopped = bool(package.chain) and not is_sent and not (package.goes_on and link is None)
        if has_stopped or not package.chain:
            parts.note_end(end_of(result, is_final=True))
        elif result.success and self._is_kept(result):
            parts.forget(package.id)

    def make_up(self, backend: ResultBackend, package: TaskPackage, submit: Submit) -> None:
        """Send the next link of a success that an earlier run has stored, unless that link has left a trace.

        The cluster of that run may have been killed between the save and the link. A link that still waits or runs has
        no trace either, and is run twice: that costs a run, and the other way the rest of the chain. What follows it is
        not repeated, for its second package is a new one.
        """
        link = package.next_link()
        if link is not None and not self._has_trace(backend, link):
            logger.warning("[%s] had succeeded before; its next link [%s] is sent again", package.name, link.name)
            self._submit(link, package, submit)

    @staticmethod
    def _has_trace(backend: ResultBackend, link: TaskPackage) -> bool:
        try:
            return backend.get(link.id) is not None or (link.chain_id is not None and parts.is_noted(link.id))
        except DatabaseError as error:
            raise ResultBackendUnavailable(f"Nobody can tell now whether [{link.name}] was sent: {error}") from error

    @staticmethod
    def _submit(link: TaskPackage, parent: TaskPackage, submit: Submit) -> bool:
        try:
            submit(link)
        except (BrokerError, DatabaseError) as error:
            raise LinkNotSent(f"The next link [{link.name}] cannot be sent now: {error}") from error
        except Exception:  # a plugin's veto ends the chain, not the monitor
            logger.exception("The chain of [%s] stops: its next link [%s] was refused", parent.name, link.name)
            return False
        return True
