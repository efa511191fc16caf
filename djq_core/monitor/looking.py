"""Looking at a queue for the packages of one task; nothing is taken, and no payload is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from djq_core.brokers import Broker, Queued
from djq_core.envelope import TASK, decode_package
from djq_core.envelope.package import FUNC
from djq_core.envelope.wire import read_header
from djq_core.exceptions import BadPackageSignature, PackageError
from djq_core.monitor.facts import Package, Queue
from djq_core.monitor.runnable import function_flaw
from djq_core.monitor.secrets import without_secrets
from djq_core.phrases import in_words

if TYPE_CHECKING:
    from djq_core.runtime import Runtime


def look(runtime: Runtime, broker: Broker, queue: Queue, query: str, depth: int) -> Queue:
    """Return the queue with what its broker says of it, and the packages whose id or name is asked for."""
    try:
        queue = replace(queue, size=broker.queue_size(), held=broker.lock_size())
        if not (depth and broker.supports_peek):
            return queue
        queued = broker.peek(depth)
    except Exception as error:  # whatever a broker raises
        return replace(queue, away=without_secrets(str(in_words(error))) or type(error).__name__)
    readings = [read(runtime, queue.name, each) for each in queued]
    counted = (queue.size or 0) + (queue.held or 0)  # some brokers show nothing of what is held
    return replace(
        queue,
        seen=len(queued),
        is_whole=len(queued) < depth and len(queued) >= counted,
        packages=tuple(_matching(readings, query)),
        unreadable=sum(bool(reading.flaw) for reading in readings),
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a package on a queue says of itself; ``flaw`` says why that is not to be trusted."""

    queued: Queued
    text: str = ""
    id: str = ""
    name: str = ""
    func: str = ""
    sent: float | None = None
    flaw: str = ""
    signed_for: str | None = None

    @property
    def waits(self) -> bool:
        """May it be handed out now?"""
        return not self.queued.is_held and self.queued.due is None


def read(runtime: Runtime, name: str, queued: Queued) -> Reading:
    """Return what a package on the queue of this name says of itself."""
    try:
        text = runtime.signer.named(name).verify(TASK, queued.package)
        return _with_header(Reading(queued, text))
    except BadPackageSignature:
        return _unsigned(runtime, name, queued)
    except PackageError as error:
        return Reading(queued, flaw=in_words(error))


def _unsigned(runtime: Runtime, name: str, queued: Queued) -> Reading:
    """Return what a package says whose signature does not hold: its header is plain JSON, which may be looked at."""
    text = queued.package if isinstance(queued.package, str) else queued.package.decode("ascii", "replace")
    signed_for = next((each for each in sorted(runtime.conf.clusters - {name}) if _holds(runtime, each, text)), None)
    flaw = (
        _("It is signed for the cluster %(name)r.") % {"name": signed_for}
        if signed_for
        else _("Another SECRET_KEY or another cluster name has signed it, or it was changed.")
    )
    bare = Reading(queued, text.rpartition(":")[0], flaw=flaw, signed_for=signed_for)
    try:
        return _with_header(bare)
    except PackageError:
        return bare


def _holds(runtime: Runtime, name: str, text: str) -> bool:
    try:
        runtime.signer.named(name).verify(TASK, text)
    except BadPackageSignature:
        return False
    return True


def _with_header(reading: Reading) -> Reading:
    header = read_header(reading.text)
    return replace(reading, id=header["id"], name=header["name"], func=header["func"], sent=header["sent"])


def _matching(readings: Iterable[Reading], query: str) -> Iterable[Package]:
    ahead = 0
    for reading in readings:
        if query and query in (reading.id, reading.name):
            yield Package(
                queued=reading.queued,
                id=reading.id,
                name=reading.name,
                func=reading.func,
                sent=reading.sent,
                ahead=ahead,
                flaw=reading.flaw,
                signed_for=reading.signed_for,
            )
        ahead += reading.waits


def find_function_flaw(runtime: Runtime, queues: Iterable[Queue]) -> str:
    """Return why the function of the task cannot be run here; one that travels as itself is not looked at."""
    for queue in queues:
        for package in queue.packages:
            if not package.flaw and not _travels(runtime, queue.name, package.queued):
                return function_flaw(runtime, package.func)
    return ""


def _travels(runtime: Runtime, name: str, queued: Queued) -> bool:
    try:
        text = runtime.signer.named(name).verify(TASK, queued.package)
        return FUNC in decode_package(text, max_bytes=runtime.conf.max_package_bytes).parts
    except PackageError:
        return True
