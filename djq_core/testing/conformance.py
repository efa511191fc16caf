"""The report of a test run: which class was held to which contract, and how each test ended."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from importlib_metadata import distribution, entry_points

from djq_core.brokers.base import Broker
from djq_core.plugins.offers import capabilities
from djq_core.testing.applying import is_contract, not_applying
from djq_core.testing.dropping import DROPPED

#: The name of the property that carries a test's contract from the process that runs it to the one that reports.
PROPERTY: Final = "djq_contract"
#: Grows when a reader of the file has to change.
FORMAT: Final = 1
_CORE: Final = "djq_core"
_WORST: Final = ("passed", "dropped", "skipped", "failed", "error")


def describe(item: pytest.Item) -> dict[str, Any] | None:
    """Return what the report says of the contract that a test belongs to, None for any other test."""
    held = getattr(item, "cls", None)
    if not is_contract(held):
        return None
    subject: Any = held.subject()
    owner = _distribution(subject.__module__.partition(".")[0])
    return {
        "class": item.nodeid.rpartition("::")[0],
        "contract": held.contract_name,
        "subject": f"{subject.__module__}.{subject.__qualname__}",
        "name": str(getattr(subject, "name", "") or getattr(subject, "tag", "")),
        "distribution": owner.metadata["Name"] if owner else None,
        "version": owner.version if owner else None,
        "capabilities": list(capabilities(subject)) if issubclass(subject, Broker) else [],
        "not_applying": dict(not_applying(held)),
    }


def _distribution(package: str) -> Any:
    """Return what a package was installed with, as far as the entry points of plugins tell."""
    if package == _CORE:
        return distribution("djq-core")
    found = (entry.dist for entry in entry_points(group="djq") if entry.module.partition(".")[0] == package)
    return next(filter(None, found), None)


@dataclass(slots=True)
class Held:
    """A class of tests: whom it holds to what, and how its tests ended."""

    about: Mapping[str, Any]
    tests: dict[str, dict[str, str]] = field(default_factory=dict)

    def note(self, name: str, outcome: str, reason: str) -> None:
        """Keep the worst that setting up, calling and tearing down said of a test."""
        known = self.tests.setdefault(name, {"outcome": "passed"})
        if _WORST.index(outcome) > _WORST.index(known["outcome"]):
            self.tests[name] = {"outcome": outcome, **({"reason": reason} if reason else {})}

    def as_dict(self) -> dict[str, Any]:
        """Return it as the report has it."""
        outcomes = [test["outcome"] for test in self.tests.values()]
        counts = {outcome: outcomes.count(outcome) for outcome in _WORST if outcome in outcomes}
        conforms = counts.keys().isdisjoint({"failed", "error"}) and "passed" in counts
        return {**self.about, "conforms": conforms, "counts": counts, "tests": dict(sorted(self.tests.items()))}


class Conformance:
    """A pytest plugin that writes the report of contracts when the run is over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: dict[str, Held] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in how one phase of a test ended; under xdist, in the process that everything is sent to."""
        about = dict(report.user_properties).get(PROPERTY)
        if isinstance(about, dict):
            held = self._held.setdefault(str(about["class"]), Held(about))
            held.note(report.nodeid.removeprefix(f"{about['class']}::"), *_outcome(report))

    def pytest_sessionfinish(self) -> None:
        """Write the file."""
        report = {
            "format": FORMAT,
            "djq_core": distribution("djq-core").version,
            "python": platform.python_version(),
            "contracts": [self._held[name].as_dict() for name in sorted(self._held)],
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the file is, and what was dropped why."""
        terminalreporter.section("djq conformance")
        for name, held in sorted(self._held.items()):
            counts = ", ".join(f"{count} {outcome}" for outcome, count in held.as_dict()["counts"].items())
            terminalreporter.line(f"{name}: {held.about['contract']} of {held.about['subject']}: {counts}")
            for test, ended in sorted(held.tests.items()):
                if ended["outcome"] == "dropped":
                    terminalreporter.line(f"  dropped {test}: {ended['reason']}")
        terminalreporter.line(f"written to {self._path}")


def _outcome(report: pytest.TestReport) -> tuple[str, str]:
    if report.skipped:
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        is_dropped = reason.startswith(DROPPED)
        return ("dropped", reason.removeprefix(DROPPED)) if is_dropped else ("skipped", reason)
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        return "failed" if report.when == "call" else "error", str(getattr(crash, "message", "") or report.longrepr)
    return "passed", ""
