"""From a task package to the broker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, Error, transaction

from djq_core.brokers import Broker
from djq_core.envelope import TASK, TaskPackage, check_allowed, encode_package
from djq_core.envelope.package import ARGS, FUNC, HOOK, KWARGS
from djq_core.exceptions import BrokerError, PackageTooLarge
from djq_core.phrases import Phrase
from djq_core.runtime import Runtime

logger = logging.getLogger("djq")

#: How many packages the broker is given in one call.
_CHUNK = 1000


def enqueue(
    runtime: Runtime, package: TaskPackage, broker: Broker | None = None, *, on_commit: bool | str = False
) -> str:
    """Send one package to the queue of its cluster and return the task's id.

    ``on_commit`` names the database (True: the default one) whose transaction, if there is one, is waited for; one that
    is rolled back sends nothing. Raises FunctionNotAllowed and what a ``pre_enqueue`` receiver raises, at once, and
    BrokerError when the broker does not take it, at the commit then.
    """
    broker = broker or runtime.shared_broker(package.cluster)
    task, asked = ask(runtime, package)
    text = seal(runtime, asked, broker)

    def send() -> None:
        runtime.hooks.post_enqueue(task, broker.enqueue(text))
        logger.debug("Enqueued [%s] %s", package.name, package.id)

    _when_committed(on_commit, broker, send)
    return package.id


def enqueue_many(
    runtime: Runtime, packages: Sequence[TaskPackage], broker: Broker | None = None, *, on_commit: bool | str = False
) -> list[str]:
    """Send several packages of one cluster, many in one call to the broker, and return the tasks' ids, in order.

    Nothing is sent where a receiver or a package's size says no to one of them; on a broker that takes part in
    transactions all are sent or none. ``on_commit`` and errors are those of :func:`enqueue`.
    """
    if not packages:
        return []
    broker = broker or runtime.shared_broker(packages[0].cluster)
    asked = [ask(runtime, package) for package in packages]
    texts = [seal(runtime, package, broker) for _, package in asked]

    def send() -> None:
        for (task, _), receipt in zip(asked, _put(broker, texts), strict=True):
            runtime.hooks.post_enqueue(task, receipt)

    _when_committed(on_commit, broker, send)
    return [package.id for package in packages]


def _put(broker: Broker, texts: Sequence[str]) -> list[str | None]:
    """Put packages on the queue, all or none where the broker takes part in transactions."""
    chunks = (texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK))
    if not broker.supports_transactions or broker.database is None:
        return [receipt for chunk in chunks for receipt in broker.enqueue_many(chunk)]
    try:
        with transaction.atomic(using=broker.database):
            return [receipt for chunk in chunks for receipt in broker.enqueue_many(chunk)]
    except Error as error:
        raise BrokerError(
            Phrase("The database {alias!r} did not take the packages: {error}", alias=broker.database, error=error)
        ) from error


def _when_committed(on_commit: bool | str, broker: Broker, send: Callable[[], None]) -> None:
    """Send when the caller's transaction is committed; at once where there is none, or where the broker is in it."""
    alias = DEFAULT_DB_ALIAS if on_commit is True else on_commit
    if not alias or (broker.supports_transactions and broker.database == alias):
        send()
    else:
        transaction.on_commit(send, using=alias)


def ask(runtime: Runtime, package: TaskPackage) -> tuple[dict[str, Any], TaskPackage]:
    """Let the plugins see the task, or veto it by raising; return what they saw, and the package with their headers.

    The task is empty where nobody wants to see it: then nothing is deserialized for it. Raises FunctionNotAllowed for a
    function or hook, of a later link too, that is not on the list ``allowed_functions``.
    """
    if allowed := runtime.conf.allowed_functions:
        for link in (package, *package.chain):
            check_allowed(allowed, link, FUNC, HOOK)
    if not runtime.hooks.wants_enqueue:
        return {}, package
    task = _task(runtime, package)
    return task, package.with_headers(runtime.hooks.pre_enqueue(task))


def seal(runtime: Runtime, package: TaskPackage, broker: Broker) -> str:
    """Return the signed text of a package, for the cluster it is meant for; raises PackageTooLarge."""
    signer = runtime.signer.named(package.cluster or runtime.conf.name)
    conf = runtime.conf
    text = signer.sign(TASK, encode_package(package, compress=conf.compress, max_bytes=conf.max_package_bytes))
    if broker.max_package_bytes is not None and len(text) > broker.max_package_bytes:
        raise PackageTooLarge(
            Phrase(
                "The package of {func!r} has {size:,} bytes; {broker} takes {most:,}. Send a reference to the data "
                "instead, or set compress.",
                func=package.func,
                size=len(text),
                broker=type(broker).__name__,
                most=broker.max_package_bytes,
            )
        )
    return text


def _task(runtime: Runtime, package: TaskPackage) -> dict[str, Any]:
    """Return a task as a dictionary; without its arguments where they cannot be read, as its failure will say."""
    try:
        args, kwargs = (runtime.load(package.serializer, package.parts[part]) for part in (ARGS, KWARGS))
        return package.as_dict(tuple(args), kwargs)
    except Error:  # the database is away, or the caller's transaction is broken now
        raise
    except Exception as error:  # whatever reading the site's own values raises
        logger.warning("The plugins are asked about [%s] without its arguments: %s", package.name, error)
        return package.as_dict()
