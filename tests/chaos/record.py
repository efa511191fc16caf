"""One record for each scenario that was run: what it found and whether its bar was held, in a file of JSON."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.bars import BARS, MORE
from tests.services.versions import version_of

#: Names the file; where it is unset, nothing is written.
REPORT = "DJQ_CHAOS_REPORT"
SEED = "DJQ_CHAOS_SEED"

#: What the scenario that is running has found.
_figures: ContextVar[dict[str, object]] = ContextVar("figures")


def begin() -> None:
    """Forget what the scenario before has found."""
    _figures.set({})


def note(**figures: object) -> None:
    """Note figures of the scenario that is running."""
    _figures.set({**_figures.get({}), **figures})


def scenario_of(test: str) -> str:
    """Return the scenario in the name of a test, such as ``R1``; for the rest what they are together."""
    match = re.match(r"test_(r\d+|s\d+|sigterm)_", test)
    return match[1].upper() if match else MORE


def is_of_scenario(item: pytest.Item) -> bool:
    """Has this test found something that belongs in the report, or a figure of its own in its name?"""
    return bool(_figures.get({})) or scenario_of(item.name) != MORE


def again(node: str, seed: int | None) -> str:
    """Return the command that repeats a test."""
    variable = "" if seed is None else f"{SEED}={seed} "
    return f"{variable}python -m pytest -n 0 -s --timeout 3600 '{node}'"


def is_of_security(scenario: str) -> bool:
    """Is this one of the figures of security?"""
    return bool(re.fullmatch(r"S\d+", scenario))


def record_of(item: pytest.Function, outcome: pytest.TestReport) -> dict[str, Any]:
    """Return the record of a test that was run."""
    size = dict(item.callspec.params) if hasattr(item, "callspec") else {}
    vendor = str(size.pop("vendor", ""))
    seed = dict(item.user_properties).get("seed")
    scenario = scenario_of(item.name)
    return {
        "scenario": scenario,
        "test": item.nodeid,
        "again": again(item.nodeid, seed if isinstance(seed, int) else None),
        "on": vendor,
        "server": version_of(vendor),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "size": size,
        "seed": seed,
        "seconds": round(outcome.duration, 1),
        "figures": _figures.get({}),
        "bar": BARS[scenario],
        "held": outcome.passed,
    }


def keep(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record into the file, in place of an older one of the same test."""
    records = {each["test"]: each for each in read(path)}
    records[record["test"]] = dict(record)
    new = path.with_suffix(".new")
    new.write_text(
        json.dumps([records[test] for test in sorted(records)], indent=1, ensure_ascii=False, default=str) + "\n"
    )
    new.replace(path)


def read(path: Path) -> list[dict[str, Any]]:
    """Return all records of a file, none where there is no file."""
    return list(json.loads(path.read_text())) if path.exists() else []
