"""The contract of a broker as a test suite."""

from __future__ import annotations

from typing import ClassVar

from djq_core.testing.basics import Basics
from djq_core.testing.chaos import Chaos
from djq_core.testing.leases import Leases
from djq_core.testing.limits import Limits
from djq_core.testing.peeking import Peeking
from djq_core.testing.processes import Processes
from djq_core.testing.receipts import Receipts
from djq_core.testing.servers import Servers
from djq_core.testing.undeclared import Undeclared


class BrokerContract(Basics, Receipts, Leases, Limits, Peeking, Undeclared, Processes, Chaos, Servers):
    """What every broker promises; subclass it, set ``broker_class`` and give fixtures.

    Every fixture may be left out: ``options`` (the broker's keys of ``Q_CLUSTER``), ``server`` (something with
    ``kill``, ``start``, ``pause`` and ``resume``), ``transaction`` (a callable that returns a transaction which
    ``enqueue`` joins), ``before_fork`` (a callable: what a program has to do before it forks), ``process_setup`` (a
    callable that pickles: what a process that was not forked has to do first).
    """

    contract_name: ClassVar[str] = "BrokerContract"
