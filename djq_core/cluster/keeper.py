"""Keeping results: save, collate iters, send the next link of a chain, decide how to answer the broker, call hooks.

The monitor does this for a cluster and ``sync`` for a single call; neither reads what the site's code has pickled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError

from djq_core.cluster.chains import Chains, Submit
from djq_core.cluster.collation import collated, not_collated
from djq_core.cluster.faults import Faults
from djq_core.cluster.functions import Functions
from djq_core.cluster.overlaps import SCHEDULE, end_runs
from djq_core.conf import Conf
from djq_core.envelope import TaskPackage, TaskResult
from djq_core.envelope.package import ARGS, HOOK, KWARGS
from djq_core.exceptions import ResultBackendUnavailable
from djq_core.results import ResultBackend, Stored, parts
from djq_core.results.records import part_of, task_of

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a delivery is answered: acknowledged, or released for another attempt after ``delay`` seconds."""

    is_final: bool
    delay: float = 0.0


FINAL = Verdict(is_final=True)


class Keeper:
    """Save results and what follows from them."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        database: str | None = None,
        tries_again: bool = True,
        faults: Faults | None = None,
        tell: Callable[..., None] | None = None,
        count: Callable[[Sequence[TaskResult]], object] = len,
    ) -> None:
        """``database`` is the alias whose transactions ``submit`` joins, None where it joins none.

        ``tries_again`` says whether a failed task may be run again. ``tell`` reports the error of a hook, with the task
        and the role, by and by: the time of a reporter is not the hook's. ``count`` is given what is saved.
        """
        self._runtime = runtime
        self._database = database
        self._tries_again = tries_again
        self._faults = faults or Faults()
        self._chains = Chains(self._faults, self._is_kept, self._is_final)
        self._tell_error = tell or self._report
        self._functions = Functions(runtime.conf.allowed_functions, runtime.hooks, runtime.load)
        self._count = count

    def save(
        self, results: Sequence[TaskResult], submit: Submit, *, again: Collection[str] = ()
    ) -> Mapping[str, Stored]:
        """Save a batch, submit the next link of each chain, and return what the backends know of each task.

        ``again`` are the ids of tasks that were delivered before to somebody who has not answered.
        Raises ResultBackendUnavailable when a store is away and whatever it raises when it refuses a row.
        """
        stored: dict[str, Stored] = {}
        if own := [result for result in results if result.package.place]:
            stored |= self._save_parts(own)
        whole = [result for result in results if not result.package.place]
        for cached in (False, True):
            batch = [result for result in whole if bool(result.package.cached) is cached]
            if batch:
                stored |= self._save_into(self._runtime.results_for(cached), batch, submit, again)
        return stored

    def _save_into(
        self, backend: ResultBackend, batch: Sequence[TaskResult], submit: Submit, again: Collection[str]
    ) -> Mapping[str, Stored]:
        kept = [result for result in batch if self._is_kept(result)]
        with self._together(backend, batch):
            stored = backend.save_many(kept) if kept else {}
            passed = self._chains.pass_on([result for result in batch if not self._is_kept(result)])
            for result in batch:
                if result.package.id in stored or result.package.id in passed:
                    self._chains.go_on(result, stored.get(result.package.id), submit)
                elif result.package.id in again and result.success and self.sends_alone(result):
                    self._chains.make_up(backend, result.package, submit)
        self._count(kept)
        self._end_runs(batch, stored)
        return stored

    def _end_runs(self, batch: Iterable[TaskResult], stored: Mapping[str, Stored]) -> None:
        """Let the next run of a schedule begin that skips those that would overlap."""
        ended = [result for result in batch if SCHEDULE in result.package.headers]
        final = [each for each in ended if verdict(self._runtime.conf, each, stored.get(each.package.id), 0.0).is_final]
        try:
            end_runs(result.package for result in final)
        except DatabaseError as error:
            raise ResultBackendUnavailable(f"The end of a schedule's run cannot be noted now: {error}") from error

    def _together(self, backend: ResultBackend, batch: Iterable[TaskResult]) -> AbstractContextManager[object]:
        has_links = any(result.package.chain for result in batch)
        if has_links and self._database is not None and backend.database == self._database:
            return backend.transaction()
        return nullcontext()

    def sends_alone(self, result: TaskResult) -> bool:
        """Does a next link follow that is not sent in the transaction of the save?"""
        if not (result.package.chain and (result.success or result.package.goes_on)):
            return False
        backend = self._runtime.results_for(result.package.cached)
        return self._database is None or backend.database != self._database

    def _is_kept(self, result: TaskResult) -> bool:
        package = result.package
        if package.cached or not result.success:
            return True
        return self._runtime.conf.save_limit >= 0 if package.save is None else package.save

    def _is_final(self, result: TaskResult, stored: Stored | None) -> bool:
        known = stored or Stored(result.attempt, int(result.crashed))
        return not self._tries_again or verdict(self._runtime.conf, result, known, 0.0).is_final

    # Iters

    def _save_parts(self, results: Sequence[TaskResult]) -> Mapping[str, Stored]:
        """Save parts of iters, then collate each iter that is complete: whoever comes last sees all, or is repeated."""
        ended = parts.done_with(result.package.place.whole for result in results if result.package.place)
        results = [each for each in results if each.package.place and each.package.place.whole not in ended]
        stored = parts.save([part_of(result, is_final=self._is_final(result, None)) for result in results])
        crashed = [result for result in results if result.crashed]
        parts.give_up([each.package.id for each in crashed if self._is_final(each, stored.get(each.package.id))])
        self._faults.hit("monitor.before_collate")
        iters = {result.package.place.whole: result.package for result in results if result.package.place}
        for package in iters.values():
            self._collate(package)
        return stored

    def _collate(self, package: TaskPackage) -> None:
        """Save the results of an iter as one once all are there; a part that succeeds later is collated once more."""
        assert package.place is not None
        found = parts.collect(package.place.whole, package.place.count)
        if not found:
            return
        try:
            self._save_whole(collated(package, found))
        except ResultBackendUnavailable:
            raise
        except Exception as error:  # whatever a database says to a row that it refuses
            logger.exception("The results of the iter [%s] could not be saved as one", package.place.name)
            self._save_whole(not_collated(self._runtime, package, error))
        self._faults.hit("monitor.after_collate")
        if all(part.success or part.is_final for part in found):
            parts.drop(package.place.whole)

    def _save_whole(self, result: TaskResult) -> None:
        if self._is_kept(result):
            self._runtime.results_for(result.package.cached).save_many([result])
            self._count([result])
        logger.info("Collated [%s]", result.package.name)

    # What follows

    def announce(self, result: TaskResult) -> None:
        """Log the end of a task."""
        name = result.package.name
        if result.success:
            logger.info("Processed [%s]", name)
        else:
            logger.error("Failed [%s] - %s", name, self._runtime.load(result.serializer, result.result))

    def is_followed(self, package: TaskPackage) -> bool:
        """Is code of the site or of a plugin to be run once the result is saved?"""
        return bool(package.hook) or self._runtime.hooks.wants_post_execute

    def follow(self, result: TaskResult) -> None:
        """Tell the plugins of a saved result, then call its hook."""
        if self._runtime.hooks.wants_post_execute:
            self._tell(result)
        if result.package.hook:
            self.call_hook(result)

    def _tell(self, result: TaskResult) -> None:
        package = result.package
        try:
            value = self._runtime.load(result.serializer, result.result)
        except Exception:  # whatever reading the site's own values raises
            logger.exception("The plugins cannot be told of [%s]", package.name)
            return
        told = {"success": result.success, "result": value, "stopped": result.stopped, "attempt": result.attempt}
        self._runtime.hooks.post_execute({**self._with_arguments(package), **told})

    def _with_arguments(self, package: TaskPackage) -> dict[str, Any]:
        """Return a task as a dictionary; without its arguments where they cannot be read, as its failure may say."""
        try:
            args, kwargs = (self._runtime.load(package.serializer, package.parts[part]) for part in (ARGS, KWARGS))
            return package.as_dict(tuple(args), kwargs)
        except Exception as error:  # whatever reading the site's own values raises
            logger.warning("The plugins are told of [%s] without its arguments: %s", package.name, error)
            return package.as_dict()

    def call_hook(self, result: TaskResult) -> None:
        """Call the hook of a task with the complete Task; its errors are logged and reported (manual 1.4.1)."""
        package = result.package
        task = {**package.as_dict(), "attempt": result.attempt, "queue": package.cluster or self._runtime.conf.name}
        try:
            self._functions.find(package, HOOK)(task_of(result))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # the border of the site's code, sys.exit() included
            logger.exception("The hook %s of [%s] failed", package.hook, package.name)
            self._tell_error(error, task, "monitor")

    def _report(self, error: BaseException, task: Mapping[str, Any], where: str) -> None:
        self._runtime.reporters.report((type(error), error, error.__traceback__), task, where)


def verdict(conf: Conf, result: TaskResult, stored: Stored | None, waited: float) -> Verdict:
    """Decide whether a task is tried again; ``waited`` are the seconds since its fetch (manual 1.2.7 to 1.2.9)."""
    if result.success or stored is None:
        return FINAL
    ack_failure = conf.ack_failures if result.package.ack_failure is None else result.package.ack_failure
    most = conf.max_attempts if result.package.max_attempts is None else result.package.max_attempts
    is_spent = 0 < most <= result.attempt
    has_crashed_out = result.crashed and stored.crashes >= conf.max_crashes
    if ack_failure or is_spent or has_crashed_out:
        return FINAL
    backoff = result.package.backoff or conf.backoff
    return Verdict(is_final=False, delay=backoff.delay(result.attempt) if backoff else max(0.0, conf.retry - waited))
