"""The report of the reliability scenarios, and the tables that the documentation makes of it."""

from __future__ import annotations

import ast
import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.bars import BARS, MORE
from tests.chaos.curves import Sample, growth
from tests.chaos.mixture import RARE, Mixture
from tests.chaos.record import again, keep, read, scenario_of
from tests.chaos.table import PAGE, REPORT, page, table
from tests.harness import procs

ROOT = Path(__file__).parent.parent
#: What notes a finding, and the scenarios that do.
REPORTING = re.compile(r"\b(report|note|kill_workers|kill_monitors|kill_clusters|take_away)\(")
PLACES = ("tests/chaos/test_*.py", "tests/security/test_*.py", "plugins/*/tests/test_chaos.py")
TESTS = [
    (path, node)
    for place in PLACES
    for path in sorted(ROOT.glob(place))
    for node in ast.parse(path.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
]


def a_record(**more: Any) -> dict[str, Any]:
    return {
        "scenario": "R2",
        "test": "tests/chaos/test_x.py::test_r2_it[sqlite-full]",
        "on": "sqlite",
        "server": "SQLite 3.40.1",
        "python": "3.11.7",
        "cores": 2,
        "size": {"rounds": 50_000},
        "seed": 7,
        "figures": {"lost": 0, "extra starts": 0, "slowest": "0.12 s"},
        "held": True,
        **more,
    }


def test_the_tables_of_the_documentation_are_those_of_the_report() -> None:
    text = PAGE.read_text()
    assert text == page(text, read(REPORT)), "make figures"


def test_every_scenario_of_the_report_exists_and_is_told_its_bar() -> None:
    known = {f"{path.relative_to(ROOT)}::{node.name}" for path, node in TESTS}
    for each in read(REPORT):
        assert each["test"].partition("[")[0] in known
        assert each["bar"] == BARS[each["scenario"]]


def test_every_record_is_of_a_test_and_a_size_that_there_is_now() -> None:
    places = ["tests/chaos", "tests/security", *map(str, ROOT.glob("plugins/*/tests/test_chaos.py"))]
    command = [sys.executable, "-m", "tests.chaos.collected", *places]
    sizes = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    sizes_of_records = {each["test"]: json.loads(json.dumps(each["size"])) for each in read(REPORT)}
    assert {test: size for test, size in sizes_of_records.items() if sizes.get(test) != size} == {}


def test_every_test_belongs_to_a_scenario_with_a_bar() -> None:
    found = {scenario_of(node.name) for _, node in TESTS}
    assert found <= set(BARS)
    assert found >= {*(f"R{number}" for number in range(1, 17)), *(f"S{number}" for number in range(1, 9))}


def test_every_file_of_scenarios_reports() -> None:
    silent = {
        path.name for path, _ in TESTS if path.parent.name != "security" and not REPORTING.search(path.read_text())
    }
    assert silent == set()


@pytest.mark.parametrize(
    ("test", "scenario"),
    [("test_r12_x[sqlite-full]", "R12"), ("test_sigterm_x", "SIGTERM"), ("test_s1_x[full]", "S1"), ("test_rest", MORE)],
)
def test_the_scenario_is_in_the_name_of_its_test(test: str, scenario: str) -> None:
    assert scenario_of(test) == scenario


def test_a_record_takes_the_place_of_an_older_one_of_its_test(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    assert read(path) == []
    for record in (a_record(), a_record(test="a"), a_record(held=False)):
        keep(path, record)
    assert [(each["test"], each["held"]) for each in read(path)] == [("a", True), (a_record()["test"], False)]
    assert json.loads(path.read_text()) == read(path)


def test_a_row_says_what_was_found_and_whether_it_held() -> None:
    text = table([a_record(), a_record(held=False, seed=None)])
    assert "1 of 2 held, on Python 3.11.7, 2 cores, SQLite 3.40.1. Not run yet: R1, R3, " in text
    assert "| SQLite | rounds 50,000 | lost 0, extra starts 0, slowest 0.12 s | 7 | yes |" in text
    assert "| SQLite | rounds 50,000 | lost 0, extra starts 0, slowest 0.12 s |  | **no** |" in text
    assert f"Bar: {BARS['R2']}." in text
    assert text.count("make chaos ARGS=tests/chaos/test_x.py::test_r2_it\n") == 1


def test_a_figure_of_security_has_a_row_for_each_test() -> None:
    test = "tests/security/test_x.py::test_s1_nothing_is_run"
    cases = [a_record(scenario="S1", test=f"{test}[{n}]", figures={"run": 0}, held=n < 2) for n in (1, 2)]
    assert "| nothing is run | 2 | run 0 | **no** |" in table(cases)


def test_what_is_outside_the_markers_stays() -> None:
    text = PAGE.read_text()
    assert page(text, []).startswith("# What is promised")
    assert page(page(text, [a_record()]), []) == page(text, [])


def test_the_command_has_the_seed_where_there_is_one() -> None:
    assert again("x", 7).startswith("DJQ_CHAOS_SEED=7 python -m pytest")
    assert again("x", None).startswith("python -m pytest")


@pytest.mark.parametrize(("last", "share"), [(10, 1.0), (15, 1.5)])
def test_growth_compares_the_end_with_the_time_after_the_beginning(last: int, share: float) -> None:
    values = [1] * 4 + [10] * 4 + [11] * 4 + [last] * 4
    assert growth([Sample(0.0, value, 0, 0.0) for value in values], "processes") == share


def test_one_in_a_hundred_of_a_soak_is_rare_and_accounted_for() -> None:
    mixture = Mixture(random.Random(1))
    calls = mixture.calls(0, 50 * RARE)
    rare = [call for call in calls if not (call[0] == "mark" and call[1].startswith("task-"))]
    assert len(calls) == 50 * RARE
    assert len(rare) == 50
    doomed = [call[1] for call in rare if call[0] not in {"mark", "produce"} and not call[0].startswith("enqueue_")]
    assert sorted(mixture.poison) == sorted(doomed)
    assert mixture.foreign == sum(call[0] == "enqueue_foreign" for call in rare) > 0


def test_a_soak_can_be_repeated() -> None:
    assert Mixture(random.Random(1)).calls(0, 500) == Mixture(random.Random(1)).calls(0, 500)


def test_memory_and_descriptors_of_a_session_are_counted() -> None:
    command = [sys.executable, "-c", "files = [open('/dev/null') for _ in range(9)]; print(flush=True); input()"]
    with subprocess.Popen(command, start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert procs.descriptors_of(process.pid) == 12
        assert 1 << 20 < procs.memory_of(process.pid) < 1 << 26
        process.kill()
        process.wait()
        assert procs.memory_of(process.pid) == procs.descriptors_of(process.pid) == 0
