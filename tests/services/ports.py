"""Ports of this host for the servers of the tests."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence
from contextlib import suppress

HOST = "127.0.0.1"
# below the ports that the system gives to clients and to those who ask for any
PORTS = range(10_000, 32_000)

_claims: dict[int, int] = {}


def free_port(among: Sequence[int] = PORTS) -> int:
    """Return a port that nobody has, and that no other process of the tests is given while this one lives.

    The claim is a Unix socket in the abstract namespace, so that it ends with its process, however that ends.
    """
    while True:
        port = random.SystemRandom().choice(among)
        claim = socket.socket(socket.AF_UNIX)
        with suppress(OSError), socket.socket() as probe:
            claim.bind(f"\0djq-tests-port-{port}")
            probe.bind((HOST, port))
            _claims[port] = claim.detach()
            return port
        claim.close()
