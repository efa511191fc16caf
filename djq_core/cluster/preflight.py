"""Before a cluster starts any process: what cannot work is refused, and what it promises is told."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from django.db import connections

from djq_core.brokers import Broker
from djq_core.cluster import logs
from djq_core.cluster.faults import Faults
from djq_core.cluster.status import StatStore
from djq_core.conf import Conf
from djq_core.exceptions import ConfigurationError
from djq_core.plugins.known import did_you_mean

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

logger = logging.getLogger("djq")


def prepare(runtime: Runtime) -> None:
    """Find out what cannot work, load what all processes need, close what none may keep; raises ConfigurationError."""
    if os.name != "posix":
        raise ConfigurationError(
            "A cluster needs a POSIX system. Here you can enqueue tasks, or run them with sync=True."
        )
    logs.configure(runtime.conf.log_level)
    Faults.parse(runtime.conf.faults)
    broker = runtime.broker()
    _refuse_local(broker)
    StatStore(runtime, broker).load()
    _ = runtime.results, runtime.serializers, runtime.reporters
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


def _refuse_local(broker: Broker) -> None:
    if broker.is_local:
        raise ConfigurationError(
            f"The queue of {type(broker).__name__} lives in one process, so no cluster can take from it. Run tasks at "
            "once with sync=True, or choose a broker with a server: pip install djq-redis, or djq-orm."
        )


def promise(runtime: Runtime) -> str:
    """Return what the broker in force promises, in a sentence for the log."""
    broker, conf = runtime.broker_class, runtime.conf
    workers = "1 worker" if conf.workers == 1 else f"{conf.workers} workers"
    what = f"broker {broker.name or broker.__name__}, queue {conf.name!r}, {workers}"
    if not broker.supports_receipts:
        return f"{what}; at most once: a kill loses what the killed processes held, up to {conf.most_held} tasks."
    if broker.supports_leases and conf.renew_leases:
        return f"{what}; at least once: a dead cluster's tasks are taken over after {conf.retry} s."
    return f"{what}; at least once: a task is presented again after {conf.retry} s, finished or not."


def tell_unlisted(conf: Conf, cluster_id: int) -> None:
    """Log that ``ALT_CLUSTERS`` does not have the cluster's name: a queue needs no settings, but it may be misspelt."""
    if conf.alt_clusters and conf.name not in conf.clusters:
        logger.warning(
            "Q Cluster-%s: ALT_CLUSTERS has no cluster %r, so this one has a queue of that name and the settings of "
            "the main one. There are: %s.%s",
            cluster_id,
            conf.name,
            ", ".join(sorted(conf.clusters)),
            did_you_mean(conf.name, conf.clusters),
        )


def tell_durability(runtime: Runtime, cluster_id: int) -> None:
    """Log what the broker's server keeps through a crash, as far as it says so."""
    broker = runtime.broker()
    try:
        if said := broker.durability():
            logger.info("Q Cluster-%s: %s", cluster_id, said)
    except Exception as error:  # whatever the broker's client raises: the cluster waits for its broker
        logger.warning("Q Cluster-%s does not know yet what its broker keeps: %s", cluster_id, error)
    finally:
        broker.close()
