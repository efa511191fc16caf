"""The template of a broker: copied and renamed as its README says, installed, green at once, and used by a cluster."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.fixtures import MakeSite
from tests.harness.names import TASKS
from tests.harness.sites import Site
from tests.thirdparty.installed import copy_of, install_copies

TEMPLATE = Path(__file__).parents[2] / "plugins" / "_template"
#: As its author has it, with nothing but what `[testing]` brings; but two at once, for mostly they wait for a lease.
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "djq_core.testing.plugin", "-p", "xdist", "-n", "2")
#: What a run of pytest inside another one must not inherit.
OURS = re.compile(r"PYTEST_|PYTHONPATH$|DJANGO_SETTINGS_MODULE$|COV_|COVERAGE_")


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the template that has been through the commands of its README."""
    copy = copy_of(TEMPLATE, tmp_path_factory.mktemp("sources") / "djq-wren")
    (block,) = re.findall(r"```console\n(\$ mv .*?)```", (copy / "README.md").read_text(), re.DOTALL)
    commands = re.findall(r"^\$ ((?:mv|grep|find) .*)$", block, re.MULTILINE)
    assert len(commands) == 3, block
    subprocess.run(["sh", "-e", "-c", "\n".join(commands)], cwd=copy, check=True, timeout=60)
    return copy


@pytest.fixture(scope="module")
def target(renamed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the copy is installed in."""
    target = tmp_path_factory.mktemp("installed")
    install_copies(target, [renamed])
    return target


@pytest.fixture
def site(make_site: MakeSite, target: Path, tmp_path: Path) -> Site:
    """A site whose queue is the copy's; it names nothing but its key."""
    site = make_site(broker={"wren": {"file": str(tmp_path / "queue.sqlite3")}}, q_cluster={"workers": 2})
    shutil.copytree(target, site.folder, dirs_exist_ok=True)
    return site


def test_nothing_of_the_old_name_is_left(renamed: Path) -> None:
    files = sorted(path for path in renamed.rglob("*") if path.is_file())
    assert [path for path in files if "acme" in str(path.relative_to(renamed)).lower()] == []
    assert [path for path in files if "acme" in path.read_text().lower()] == []
    names = {str(path.relative_to(renamed)) for path in files}
    assert names == {
        str(path.relative_to(TEMPLATE)).replace("acme", "wren")
        for path in TEMPLATE.rglob("*")
        if path.is_file() and "cache" not in str(path.relative_to(TEMPLATE))
    }


def test_the_wheel_has_the_package_its_types_and_its_licence(target: Path) -> None:
    (about,) = target.glob("*.dist-info")
    assert about.name == "djq_wren-0.1.0.dist-info"
    assert (about / "licenses" / "LICENSE").read_text() == (TEMPLATE / "LICENSE").read_text()
    modules = {path.name for path in (TEMPLATE / "djq_acme").glob("*.py")}
    assert {path.name for path in (target / "djq_wren").iterdir()} == {*modules, "py.typed"}
    assert {path.name for path in target.iterdir()} == {"djq_wren", about.name}


def test_its_own_tests_are_green(renamed: Path, target: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    env |= {"PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-P", *PYTEST],  # -P: what is installed is tested, not what lies in this folder
        cwd=renamed,
        env=env,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    found = re.fullmatch(r"(\d+) passed in .*", done.stdout.splitlines()[-1])
    assert found, f"nothing is skipped, and nothing else either:\n{done.stdout}"
    assert int(found[1]) > 100, "the contract is among them"


def test_a_cluster_runs_tasks_from_it(site: Site) -> None:
    with site.cluster() as cluster:
        assert cluster.log.lines(r"broker wren, queue 'site', 2 workers; at least once")
        task_id = site.call("enqueue", "mark", "done")
        failing = site.call("enqueue", "fail", "broken", max_attempts=2)
        unreadable = site.call("enqueue_plain", f"{TASKS}.missing")
        assert site.call("result", task_id, 20_000) == "done"
        row = site.row(failing, attempts=2)
        assert (row["success"], row["attempt_count"]) == (False, 2)
        assert "ValueError: broken on purpose: broken" in row["result"]
        assert "missing" in site.row(unreadable)["result"]
        assert cluster.stop() == 0
