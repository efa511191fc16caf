"""Every scenario, in the order of the table."""

from __future__ import annotations

from collections.abc import Mapping

from bench.scenarios import drain, enqueue, growth, idle, latency, memory, one_long, sleeping
from bench.scenarios.base import Scenario

_ALL = (
    drain.SCENARIO,
    enqueue.SCENARIO,
    latency.SCENARIO,
    sleeping.FIVE,
    sleeping.FIFTY,
    memory.SCENARIO,
    idle.SCENARIO,
    growth.SCENARIO,
    one_long.SCENARIO,
)
SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}
