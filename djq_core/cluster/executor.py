"""Running one task: read it, call it, and turn every way it can end into an outcome."""

from __future__ import annotations

import itertools
import time
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from djq_core.cluster.functions import Functions
from djq_core.envelope import TaskPackage, TaskResult, decode_package
from djq_core.envelope.package import ARGS, FUNC, KWARGS
from djq_core.exceptions import SerializationError

if TYPE_CHECKING:
    from djq_core.plugins import Hooks
    from djq_core.reporters import Reporters
    from djq_core.runtime import Runtime

#: Who has just put its surroundings in order after a task need not do so before the next, in seconds.
FRESH = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt, serialized."""

    success: bool
    result: bytes = field(repr=False)
    serializer: str
    stopped: datetime

    def of(self, package: TaskPackage, *, attempt: int = 1) -> TaskResult:
        """Return the result of the package."""
        return package.finished(
            self.result, self.stopped, success=self.success, serializer=self.serializer, attempt=attempt
        )


@dataclass(frozen=True, slots=True)
class Tools:
    """What running a task takes: reading and writing values, the plugins, and what to do around each task."""

    load: Callable[[str, bytes], Any]
    dump: Callable[[Any], bytes]
    serializer: str
    hooks: Hooks
    functions: Functions
    reporters: Reporters
    max_package_bytes: int
    queue: str
    around: Callable[[], None]

    @classmethod
    def of(cls, runtime: Runtime, around: Callable[[], None]) -> Tools:
        """Return the tools of a runtime."""
        return cls(
            load=runtime.load,
            dump=runtime.dump,
            serializer=runtime.conf.serializer,
            hooks=runtime.hooks,
            functions=Functions(runtime.conf.allowed_functions, runtime.hooks, runtime.load),
            reporters=runtime.reporters,
            max_package_bytes=runtime.conf.max_package_bytes,
            queue=runtime.conf.name,
            around=around,
        )


class Executor:
    """Run packages in this process; every error of a task becomes a failed outcome, and is kept to be reported."""

    def __init__(self, tools: Tools, *, lets_through: tuple[type[BaseException], ...] = ()) -> None:
        self._tools = tools
        self._lets_through = lets_through
        self._fresh_until = 0.0
        self._task: dict[str, Any] = {}
        self._error: BaseException | None = None

    def execute_text(self, text: str, *, attempt: int = 1) -> Outcome:
        """Run a verified package text for the ``attempt``-th time; one that cannot be read is a failure."""
        return self._guarded(lambda: decode_package(text, max_bytes=self._tools.max_package_bytes), attempt)

    def execute(self, package: TaskPackage) -> Outcome:
        """Run a package."""
        return self._guarded(lambda: package, 1)

    def failed(self, error: BaseException) -> Outcome:
        """Return the outcome of a task that ended with this error."""
        self._error = error
        return self._outcome(self._tools.dump(describe(error)), success=False)

    def report(self) -> None:
        """Report the error of the task that was run last, if it had one, now that its outcome is safe; then forget it.

        Reporters get the task with its ``attempt`` and its ``queue``.
        """
        error, task = self._error, self._task
        self._error, self._task = None, {}
        if error is None or not self._tools.reporters:
            return
        about = {**task, "queue": task.get("cluster") or self._tools.queue}
        trace = _beyond_ours(error.__traceback__) or error.__traceback__
        self._tools.reporters.report((type(error), error, trace), about, "worker")

    def _guarded(self, read: Callable[[], TaskPackage], attempt: int) -> Outcome:
        if time.monotonic() > self._fresh_until:
            self._tools.around()
        self._error, self._task = None, {"attempt": attempt}
        try:
            return self._outcome(self._run(read()), success=True)
        except self._lets_through:
            raise
        except BaseException as error:
            return self.failed(error)
        finally:
            self._tools.around()
            self._fresh_until = time.monotonic() + FRESH

    def _run(self, package: TaskPackage) -> bytes:
        tools = self._tools
        task = self._task = {**package.as_dict(), **self._task}
        func = tools.functions.find(package, FUNC)
        task["args"] = tuple(tools.load(package.serializer, package.parts[ARGS]))
        task["kwargs"] = dict(tools.load(package.serializer, package.parts[KWARGS]) or {})
        try:
            tools.hooks.pre_execute(func, task)
            value = tools.hooks.execute(func, task)
            result = self._dumped(value, package.func)
        except self._lets_through:
            raise
        except BaseException as error:
            if tools.hooks.wants_post_execute_in_worker:
                tools.hooks.post_execute_in_worker(func, task, describe(error), error)
            raise
        tools.hooks.post_execute_in_worker(func, task, value)
        return result

    def _dumped(self, value: Any, func: str) -> bytes:
        """Return a result as bytes; raise SerializationError for what cannot be written, or is too large to keep."""
        if isinstance(value, Coroutine):
            value.close()
            raise SerializationError(
                f"{func!r} returned a coroutine, which nobody awaits: a task is a plain function. Give one that calls "
                "asgiref.sync.async_to_sync() or asyncio.run()."
            )
        try:
            result = self._tools.dump(value)
        except SerializationError as error:
            raise SerializationError(f"The result of {func!r} cannot be serialized: {error}") from error
        if len(result) > (most := self._tools.max_package_bytes):
            raise SerializationError(
                f"The result of {func!r} has {len(result):,} bytes; max_package_bytes allows {most:,}. Keep the data "
                "elsewhere and return where it is."
            )
        return result

    def _outcome(self, result: bytes, *, success: bool) -> Outcome:
        return Outcome(success, result, self._tools.serializer, datetime.now(UTC))


#: The module whose frame calls the function of a task, where plugins wrap it.
_CALLS_THE_FUNCTION = "djq_core.plugins.builtin"
#: Where an error that we raise into a task begins.
_OURS = frozenset({str(Path(__file__).with_name("worker.py"))})


def describe(error: BaseException) -> str:
    """Return the text of an error for its reader: what it is first, then where it came from, without our own frames."""
    trace = traceback.TracebackException(type(error), error, _beyond_ours(error.__traceback__), compact=True)
    headline = "".join(trace.format_exception_only()).strip().removeprefix("djq_core.exceptions.")
    trace.stack[:] = itertools.takewhile(lambda frame: frame.filename not in _OURS, trace.stack)
    return f"{headline}\n\n{''.join(trace.format())}" if trace.stack else headline


def _beyond_ours(trace: TracebackType | None) -> TracebackType | None:
    """Return what comes after core's call of the function, and after the plugins that wrap it."""
    wrapped = trace
    while wrapped is not None:
        if wrapped.tb_frame.f_globals.get("__name__") == _CALLS_THE_FUNCTION:
            return wrapped.tb_next
        wrapped = wrapped.tb_next
    while trace is not None and trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] in (
        "djq_core",
        "pluggy",
    ):
        trace = trace.tb_next
    return trace
