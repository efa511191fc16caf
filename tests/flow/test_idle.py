"""What a cluster costs that has nothing to do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.harness.databases import PostgresDatabases
from tests.harness.fixtures import POSTGRESQL, MakeSite

SECONDS = 10
PER_QUERY = 5


def _cpu_seconds(pid: int) -> float:
    """Return the processor time of a process in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.timeout(90)
def test_an_idle_cluster_asks_the_database_once_in_five_seconds(
    make_site: MakeSite, postgres_databases: PostgresDatabases
) -> None:
    site = make_site(POSTGRESQL, q_cluster={"retry": 60, "guard_cycle": 0.5})
    log = postgres_databases.server.folder / "log"
    postgres_databases.server.execute(f"ALTER DATABASE \"{site.database['NAME']}\" SET log_statement = 'all'")
    with site.cluster() as cluster:
        time.sleep(3)
        before = log.stat().st_size
        worked = sum(map(_cpu_seconds, cluster.processes()))
        time.sleep(SECONDS)
        worked = sum(map(_cpu_seconds, cluster.processes())) - worked
        statements = [line for line in _lines_since(log, before) if "statement: " in line or "execute " in line]
        assert len(statements) <= SECONDS / PER_QUERY, "\n".join(statements)
        assert worked < 0.05 * SECONDS, f"{worked:.2f} s of processor time in {SECONDS} s"
        site.call("enqueue", "mark", "woken")
        assert site.row("woken", 2.0)["success"]
        assert site.oracle.at("woken", "start") - site.oracle.at("woken", "put") < 1.0


def _lines_since(log: Path, position: int) -> list[str]:
    with log.open("rb") as file:
        file.seek(position)
        return file.read().decode(errors="replace").splitlines()
