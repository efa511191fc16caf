"""Each scenario in two sizes: a short one for every test run, the full one of the reliability figures."""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence

import pytest

from djq_core.cluster.restarts import LONGEST_PAUSE
from tests.chaos import record
from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import MARIADB, POSTGRESQL, REDIS_RECEIPTS, SQLITE
from tests.harness.ledger import Ledger
from tests.harness.sites import Site

BOTH = (SQLITE, POSTGRESQL)
DATABASES = (*BOTH, MARIADB)
#: Where no kill may lose anything, for scenarios that are about the broker.
EVERYWHERE = (*DATABASES, REDIS_RECEIPTS)


def short_and_full(
    names: str,
    short: tuple[object, ...],
    *full: tuple[object, ...],
    seconds: int,
    vendors: Sequence[str] = DATABASES,
    short_on: Sequence[str] = (),
) -> pytest.MarkDecorator:
    """Run a test on several vendors, with the short sizes always and the full ones where chaos is asked for.

    ``seconds`` is what a full form may take; ``short_on`` are the vendors of the short form, unless all but MariaDB:
    what it does differently the tests of the broker, the results and the flow show sooner. An empty ``short`` is none.
    """
    marks = (pytest.mark.chaos, pytest.mark.timeout(seconds))
    usual = [vendor for vendor in vendors if vendor != MARIADB]
    cases = [
        *(pytest.param(vendor, *short, id=f"{vendor}-short") for vendor in short_on or usual if short),
        *(pytest.param(vendor, *each, id=f"{vendor}-full", marks=marks) for vendor in vendors for each in full),
    ]
    return pytest.mark.parametrize(("vendor", *(name.strip() for name in names.split(","))), cases)


def full_only(
    names: str, full: tuple[object, ...], seconds: int, vendors: Sequence[str] = EVERYWHERE
) -> pytest.MarkDecorator:
    """Run a test on several vendors, only where chaos is asked for; ``seconds`` is what it may take."""
    return short_and_full(names, (), full, seconds=seconds, vendors=vendors)


def report(ledger: Ledger, *, without: Collection[str] = (), **figures: object) -> None:
    """Print what a scenario found, and note it for the report; figures are named with underscores for blanks.

    ``without`` names what the account cannot tell there: which tasks are lost, where each has no row of its own.
    """
    named = {name.replace("_", " "): value for name, value in figures.items()}
    more = ", ".join(f"{name} {value}" for name, value in named.items())
    sys.stdout.write(f"{ledger}; {more}\n")
    record.note(**{name: value for name, value in ledger.figures.items() if name not in without}, **named)


def percentile(values: list[float], share: float) -> float:
    """Return the value that so large a share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def kill_evenly(site: Site, cluster: ClusterProcess, role: str, count: int, kills: int) -> None:
    """Kill the one process of a role again and again, spread over the run, each time when it is back at work."""
    victim = 0
    for number in range(kills):
        site.wait_done(number * count // (kills + 1))
        cluster.wait_full(1, LONGEST_PAUSE + 5.0, role=role, without=victim)
        victim = cluster.only(role)
        assert cluster.kill(victim)
