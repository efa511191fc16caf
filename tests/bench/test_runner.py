"""What is run, and what is told of what cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.__main__ import chosen
from bench.driver import DriverError
from bench.records import Record
from bench.runner import Plan, reason, run
from bench.scenarios.catalogue import SCENARIOS
from bench.servers import Servers
from bench.stand import Stuck
from bench.systems import SYSTEMS
from bench.systems.base import POSTGRESQL, REDIS, SQLITE, Place


def test_systems_are_chosen_by_pattern() -> None:
    assert [system.name for system in chosen("raw-sqlite,django-q2-d*")] == ["raw-sqlite", "django-q2-defaults"]
    assert chosen("nobody") == []


def test_what_is_not_installed_is_reported_and_not_started() -> None:
    system = replace(SYSTEMS["dj-queue"], version_of="no-such-distribution")
    kept: list[Record] = []
    servers = Servers(Path("nowhere"), None, None)  # type: ignore[arg-type]
    run(Plan(SCENARIOS["drain"], [system], rounds=2), servers, lambda _: None, kept.extend)
    assert [(each.system, each.rounds, each.reasons) for each in kept] == [
        ("dj-queue", [], ["no-such-distribution is not installed; it asks for Python 3.12"])
    ]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (Stuck("5 of 9 have run:\nlog"), "5 of 9 have run: … log"),
        (DriverError('Traceback:\n  File "x"\nValueError: no\nLINE 1: x\n   ^\n'), "Traceback: … ValueError: no"),
        (DriverError(""), "DriverError"),
        (Stuck("x" * 1000), "x" * 300),
    ],
)
def test_a_reason_is_short(error: Exception, text: str) -> None:
    assert reason(error) == text


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=list(SYSTEMS))
def test_settings_can_be_written_as_python(system: object, tmp_path: Path) -> None:
    place = Place(tmp_path, {"ENGINE": "django.db.backends.postgresql", "NAME": "x"}, "/socket", 3)
    for name, value in SYSTEMS[system.name].settings(place).items():  # type: ignore[attr-defined]
        compile(f"{name} = {value!r}", name, "exec")


def test_every_system_has_two_halves_and_known_stores() -> None:
    inside = Path(__file__).parents[2] / "bench" / "inside"
    for system in SYSTEMS.values():
        assert (inside / f"{system.inside}.py").exists()
        assert system.queue in {POSTGRESQL, SQLITE, REDIS}
