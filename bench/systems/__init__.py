"""Every system that is measured, by name."""

from __future__ import annotations

from collections.abc import Mapping

from bench.systems import databases, django_q2, djq, raw, redis_peers
from bench.systems.base import System

SYSTEMS: Mapping[str, System] = {
    system.name: system for module in (djq, raw, django_q2, databases, redis_peers) for system in module.SYSTEMS
}
