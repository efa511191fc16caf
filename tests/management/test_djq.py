"""``manage.py djq plugins``: what is installed, as text and as JSON, also when something is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.distributions import Site, broker_source

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = "from tests.settings import *\nQ_CLUSTER = {q_cluster!r}\n"


def manage(site: Site, *arguments: str, **q_cluster: Any) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, with the folder's distributions installed."""
    (site.folder / "site_settings.py").write_text(SETTINGS.format(q_cluster=q_cluster))
    path = os.pathsep.join([str(site.folder), str(ROOT), str(ROOT / "plugins" / "djq_orm")])
    environment = {**os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "site_settings"}
    command = [sys.executable, "-m", "django", "djq", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def listed(site: Site, **q_cluster: Any) -> dict[str, Any]:
    done = manage(site, "plugins", "--json", **q_cluster)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    return {plugin["name"]: plugin for plugin in answer["plugins"]} | {"problems": answer["problems"]}


def test_json_tells_everything(site: Site) -> None:
    source = broker_source("sample", "sample") + (
        "\nfrom djq_core.plugins import PluginSetting\n"
        "@hookimpl\ndef djq_settings():\n"
        "    return [PluginSetting('sample_token', str, default='s3cret', secret=True, doc='The token.')]\n"
    )
    site.install("djq-sample", source, version="2.5")
    plugins = listed(site, sample=1)
    assert plugins["sample"] == {
        "name": "sample",
        "distribution": "djq-sample",
        "version": "2.5",
        "status": "loaded",
        "error": None,
        "hooks": ["djq_register_brokers", "djq_settings"],
        "keys": ["sample", "sample_token"],
        "offers": {"brokers": ["sample"]},
        "capabilities": {"sample": ["max_bulk=10", "supports_receipts"]},
        "settings": [{"name": "sample_token", "type": "str", "default": None, "secret": True, "doc": "The token."}],
    }
    assert plugins["core"]["offers"]["serializers"] == ["pickle", "json"]
    assert plugins["problems"] == []


def test_broken_and_disabled_plugins_are_listed(site: Site) -> None:
    site.install("djq-bad", "import no_such_library")
    site.install("djq-off", broker_source("off"))
    plugins = listed(site, broker="bad", disabled_plugins=["off"])
    assert plugins["bad"]["status"] == "broken"
    assert plugins["bad"]["error"] == "ModuleNotFoundError: No module named 'no_such_library'"
    assert plugins["off"]["status"] == "disabled"
    (problem,) = plugins["problems"]
    assert problem["key"] == "broker"
    assert "The plugin 'bad' of djq-bad 1.0 cannot be used" in problem["message"]


def test_text_is_aligned(site: Site) -> None:
    site.install("djq-sample-of-a-long-name", broker_source("sample"), entry="sample")
    done = manage(site, "plugins", unknwn=1)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    status = lines[0].index("STATUS")
    assert lines[0].split() == ["NAME", "DISTRIBUTION", "VERSION", "STATUS"]
    rows = [line for line in lines[1:] if line.endswith("loaded") and not line.startswith(" ")]
    assert len(rows) >= 2
    assert {line.rindex("loaded") for line in rows} == {status}
    assert "  capabilities of sample: max_bulk=10, supports_receipts" in lines
    assert lines[-1] == "djq.E101: `unknwn` is no key of Q_CLUSTER."


def test_wrong_settings_are_one_line_and_exit_1(site: Site) -> None:
    done = manage(site, "plugins", workers=-1)
    assert done.returncode == 1
    assert "workers" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [(), ("nothing",)])
def test_a_subcommand_is_needed(site: Site, arguments: tuple[str, ...]) -> None:
    done = manage(site, *arguments)
    assert done.returncode == 2
    assert "plugins" in done.stderr or "SUBCOMMAND" in done.stderr


def test_help_names_the_subcommand(site: Site) -> None:
    assert "List the installed plugins." in manage(site, "--help").stdout
