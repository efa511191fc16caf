"""Tasks that run one after the other (manual 1.7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from djq_core import current
from djq_core.brokers import Broker
from djq_core.enqueue.options import Options
from djq_core.envelope import TaskPackage, new_id
from djq_core.results import parts
from djq_core.runtime import Runtime
from djq_core.tasks.calls import backend_for
from djq_core.tasks.options import pick_options
from djq_core.tasks.submit import package_of, send
from djq_core.tasks.waiting import FOREVER, check_wait, wait_for

if TYPE_CHECKING:
    from djq_core.models import Task

#: What a failed link does to the rest of its chain.
STOP: Final = "stop"
CONTINUE: Final = "continue"
#: How a chain is sent, which a link cannot say for itself.
_OF_THE_CHAIN: Final = ("sync", "broker", "enqueue_on_commit")


def async_chain(
    chain: Iterable[Sequence[Any]],
    group: str | None = None,
    cached: bool | int | None = None,
    sync: bool | None = None,
    broker: Broker | None = None,
    *,
    on_failure: str = STOP,
    enqueue_on_commit: bool | str | None = None,
) -> str:
    """Run tasks one after the other and return the id of their group (manual 1.7).

    ``chain`` is a list of ``(func, args, kwargs)``, of which the last two may be left out; ``kwargs`` may hold options
    of ``async_task``. ``group`` is a new id where it is not given; ``cached`` and ``sync`` are the configuration's.
    A link that fails stops the chain until it is tried again and succeeds. With ``on_failure="continue"`` the next
    link follows all the same, and a failure is final unless the link's ``ack_failure`` is False. ``enqueue_on_commit``
    sends the first link when the transaction is committed (True, or a database's alias).

    Raises ValueError for an empty chain, TypeError for a link that is no such tuple or that has one of the chain's own
    options, and what ``async_task`` raises.
    """
    options = _options(group, cached, sync, broker, enqueue_on_commit)
    return _start(chain, options, on_failure).group


@dataclass(frozen=True, slots=True)
class _Run:
    """A chain that was started: its group's id, its own, and those of its links with their ``cached``."""

    group: str
    chain_id: str
    links: Mapping[str, bool | int]

    def tasks(self) -> list[Task]:
        """Return the tasks of the links that have run and are kept, in order."""
        found = (backend_for(cached).get(link) for link, cached in self.links.items())
        return [task for task in found if task is not None]

    def has_ended(self) -> bool:
        """Is the outcome of the last link kept, or noted that the chain has ended?"""
        last, cached = list(self.links.items())[-1]
        return backend_for(cached).get(last) is not None or parts.has_ended(self.chain_id)


class Chain:
    """A chain of tasks in one object (manual 1.7.1).

    Takes what :func:`async_chain` takes. Once a link was appended it has to be run again.
    """

    def __init__(
        self,
        chain: Iterable[Sequence[Any]] | None = None,
        group: str | None = None,
        cached: bool | int | None = None,
        sync: bool | None = None,
        *,
        broker: Broker | None = None,
        on_failure: str = STOP,
        enqueue_on_commit: bool | str | None = None,
    ) -> None:
        self.chain: list[Sequence[Any]] = list(chain or ())
        self.group = group
        self.cached = cached
        self.sync = sync
        self.broker = broker
        self.on_failure = on_failure
        self.enqueue_on_commit = enqueue_on_commit
        self._run: _Run | None = None

    @property
    def started(self) -> bool:
        """Has the chain been run since a link was appended?"""
        return self._run is not None

    def append(self, func: str | Callable[..., Any], *args: Any, **kwargs: Any) -> int:
        """Append a task, given as to ``async_task``, and return the number of tasks in the chain."""
        self.chain.append((func, args, kwargs))
        self._run = None
        return self.length()

    def run(self) -> str:
        """Start the chain and return the id of its group; raises what :func:`async_chain` raises."""
        options = _options(self.group, self.cached, self.sync, self.broker, self.enqueue_on_commit)
        self._run = _start(self.chain, options, self.on_failure)
        return self._run.group

    def result(self, wait: int = 0) -> list[Any]:
        """Return the results of the links that succeeded, in order, when the chain has ended.

        ``wait`` is how many milliseconds to wait for that at most; 0 and -1 wait without a limit. A chain has ended
        when its last link has, or when a link failed and nothing follows. An empty list where nothing was run.
        """
        return [task.result for task in self.fetch(failures=False, wait=wait)]

    def fetch(self, failures: bool = True, wait: int = 0) -> list[Task]:
        """Return the tasks of the links, in order, when the chain has ended; ``failures=False`` leaves out the failed.

        ``wait`` is that of :meth:`result`.
        """
        check_wait(wait)
        run = self._run
        if run is None:
            return []
        wait_for(run.has_ended, wait or FOREVER)
        return [task for task in run.tasks() if task.success or failures]

    def current(self) -> int:
        """Return the index of the link that runs or waits to be run; :meth:`length` at the end, 0 before the start.

        Links whose results are not kept are not seen.
        """
        if self._run is None:
            return 0
        done = {task.pk for task in self._run.tasks()}
        return max((place for place, link in enumerate(self._run.links, start=1) if link in done), default=0)

    def length(self) -> int:
        """Return the number of tasks in the chain."""
        return len(self.chain)


def _options(
    group: object,
    cached: bool | int | None,
    sync: bool | None,
    broker: Broker | None,
    enqueue_on_commit: bool | str | None,
) -> Options:
    label = None if group in (None, "") else str(group)
    return Options(group=label, cached=cached, sync=sync, broker=broker, enqueue_on_commit=enqueue_on_commit)


def _start(chain: Iterable[Sequence[Any]], options: Options, on_failure: str) -> _Run:
    if on_failure not in (STOP, CONTINUE):
        raise ValueError(f"on_failure takes {STOP!r} or {CONTINUE!r}, not {on_failure!r}.")
    if isinstance(chain, str) or not isinstance(chain, Iterable):
        raise TypeError(f"A chain is a list of (func, args, kwargs), not {chain!r}.")
    runtime = current.runtime()
    chain_id = new_id()
    options = replace(options, group=options.group or chain_id)
    links = [_link(runtime, number, link, options) for number, link in enumerate(chain, start=1)]
    if not links:
        raise ValueError("The chain is empty: give it at least one (func, args, kwargs).")
    first, *rest = (_linked(link, chain_id, goes_on=on_failure == CONTINUE) for link in links)
    send(runtime, replace(first, chain=tuple(rest)), options)
    return _Run(str(options.group), chain_id, {link.id: link.cached for link in links})


def _linked(link: TaskPackage, chain_id: str, *, goes_on: bool) -> TaskPackage:
    ack_failure = True if goes_on and link.ack_failure is None else link.ack_failure
    return replace(link, chain_id=chain_id, goes_on=goes_on, ack_failure=ack_failure)


def _link(runtime: Runtime, number: int, link: Sequence[Any], common: Options) -> TaskPackage:
    func, args, kwargs = _unpacked(number, link)
    options, own = pick_options(kwargs)
    for name in _OF_THE_CHAIN:
        if getattr(options, name) is not None:
            raise TypeError(f"Link {number} of the chain cannot have {name} of its own: give it to the chain.")
    options = replace(
        options,
        group=common.group,
        cached=options.cached if common.cached is None else common.cached,
        broker=common.broker,
    )
    return package_of(runtime, func, args, own, options)


def _unpacked(number: int, link: Sequence[Any]) -> tuple[Any, tuple[Any, ...], Mapping[str, Any]]:
    if not isinstance(link, tuple | list) or not 1 <= len(link) <= 3:
        raise TypeError(f"Link {number} of the chain must be a tuple (func, args, kwargs), not {link!r}.")
    func, args, kwargs = [*link, (), {}][:3] if len(link) == 1 else [*link, {}][:3]
    if not isinstance(args, tuple | list) or not isinstance(kwargs, Mapping):
        raise TypeError(
            f"Link {number} of the chain needs a tuple of arguments and a dictionary of keywords: {link!r}."
        )
    return func, tuple(args), kwargs
