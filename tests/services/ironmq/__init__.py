"""A stand-in for the service IronMQ v3: the same HTTP interface, reply by reply, as a process of its own.

It keeps what it accepted over a kill, and misbehaves when a test asks it to.
"""

from __future__ import annotations

from tests.services.ironmq.faults import Fault
from tests.services.ironmq.process import IronServer, running

__all__ = ["Fault", "IronServer", "running"]
