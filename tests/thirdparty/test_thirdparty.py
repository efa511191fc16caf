"""What others have written: a reporter, a serializer and a result backend, installed, found and used by a cluster."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.harness.clusters import ClusterProcess
from tests.harness.fixtures import MakeSite
from tests.harness.sites import Site
from tests.harness.waiting import wait_until
from tests.thirdparty.installed import HERE, SOURCES

pytestmark = [pytest.mark.xdist_group("thirdparty"), pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def site(make_module_site: MakeSite, installed: Path) -> Site:
    return with_all_three(make_module_site(), installed)


def with_all_three(site: Site, installed: Path) -> Site:
    """Let a site have the three installed; it names each of them and writes nothing else for them."""
    shutil.copytree(installed, site.folder, dirs_exist_ok=True)
    site.configure(
        error_reporter={"acme-ledger": {"path": str(site.folder / "ledger"), "held": 100}},
        serializer="acme-msgpack",
        result_backend="acme-shelf",
        acme_shelf=str(site.folder / "shelf.sqlite3"),
        workers=2,
        max_attempts=1,
    )
    return site


@pytest.fixture(scope="module")
def cluster(site: Site) -> Iterator[ClusterProcess]:
    with site.cluster() as running:
        yield running


def test_pip_has_installed_each_with_its_entry_point(installed: Path) -> None:
    found = sorted(path.parent.name for path in installed.glob("*.dist-info/entry_points.txt"))
    assert found == ["acme_ledger-1.2.0.dist-info", "acme_msgpack-0.4.1.dist-info", "acme_shelf-3.0.dist-info"]
    assert len(found) == len(SOURCES) == len(list(HERE.glob("*/pyproject.toml")))


def test_the_command_lists_them_and_what_they_offer(site: Site) -> None:
    listed = json.loads(site.manage("djq", "plugins", "--json").stdout)
    records = {each["distribution"]: each for each in listed["plugins"] if each["distribution"].startswith("acme")}
    told = {name: (each["version"], each["status"], each["offers"]) for name, each in records.items()}
    assert told == {
        "acme-ledger": ("1.2.0", "loaded", {"error_reporters": ["acme-ledger"]}),
        "acme-msgpack": ("0.4.1", "loaded", {"serializers": ["acme-msgpack"]}),
        "acme-shelf": ("3.0", "loaded", {"result_backends": ["acme-shelf"]}),
    }
    assert listed["problems"] == []


def test_a_cluster_speaks_the_serializer_and_fills_the_backend(site: Site, cluster: ClusterProcess) -> None:
    task_id = site.call("enqueue", "mark", "done", group="g")
    assert site.call("result", task_id, 20_000) == "done"
    assert site.call("group", "g") == {"results": ["done"], "count": 1, "failures": 0}
    (args,) = [fields["args"] for key, fields in _rows(site) if key == task_id]
    assert args.startswith("acme-msgpack:")
    assert site.call("counts") == [0, 0, 0], "nothing in the site's own tables"


def test_a_chain_goes_on_and_a_hook_is_called_with_such_a_backend(site: Site, cluster: ClusterProcess) -> None:
    said = site.call("run_chain", [["mark", "one"], ["mark", "two"]], 20_000)
    assert (said["result"], said["success"]) == (["one", "two"], [True, True])
    site.call("enqueue", "mark", "hooked", hook="tests.harness.tasks.note_hook")
    wait_until(site.hook_calls, 20, "the hook is called")
    (call,) = site.hook_calls()
    assert (call["name"], call["result"], call["args"]) == ("hooked", "hooked", "['hooked']")


def test_what_the_serializer_refuses_is_refused_at_the_call(site: Site) -> None:
    told = site.call("refusal", "lambda", "nested")
    assert "Argument 2 of" in told
    assert "A value of type 'list' cannot be packed: function is not known to it." in told


def test_a_failure_is_kept_and_reported_when_the_worker_ends(make_site: MakeSite, installed: Path) -> None:
    site = with_all_three(make_site(), installed)
    with site.cluster() as cluster:
        task_id = site.call("enqueue", "fail", "broken")
        assert "ValueError: broken on purpose: broken" in site.call("result", task_id, 20_000)
        assert not (site.folder / "ledger").exists(), "it holds a hundred lines back"
        assert cluster.stop() == 0
    lines = [json.loads(line) for line in (site.folder / "ledger").read_text().splitlines()]
    told = [tuple(line[key] for key in ("error", "where")) for line in lines]
    assert told == [("ValueError: broken on purpose: broken", "worker")]


def _rows(site: Site) -> list[tuple[str, dict[str, Any]]]:
    with closing(sqlite3.connect(site.folder / "shelf.sqlite3")) as shelf:
        fixtures = [json.loads(text)[0] for (text,) in shelf.execute("SELECT task FROM shelf")]
    return [(each["pk"], each["fields"]) for each in fixtures]
