"""What is told before a cluster starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from djq_core.cluster.preflight import tell_unlisted
from djq_core.conf import Conf
from tests.conf.making import KEY

ALTERNATIVES: Mapping[str, Any] = {"reports": {"workers": 1}, "mails": {}}


def told(caplog: pytest.LogCaptureFixture, name: str, alternatives: Mapping[str, Any] = ALTERNATIVES) -> list[str]:
    site = {"name": "site", "orm": "default", "ALT_CLUSTERS": alternatives}
    tell_unlisted(Conf.from_settings(site, secret_key=KEY, cluster_name=name), 7)
    return [f"{record.levelname} {record.getMessage()}" for record in caplog.records]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("report", " Did you mean 'reports'?"),
        ("Mails", " Did you mean 'mails'?"),
        ("sites", " Did you mean 'site'?"),
        ("xyz", ""),
    ],
)
def test_a_name_that_alt_clusters_does_not_have_is_told(
    caplog: pytest.LogCaptureFixture, name: str, meant: str
) -> None:
    (line,) = told(caplog, name)
    assert line.startswith(f"WARNING Q Cluster-7: ALT_CLUSTERS has no cluster {name!r}, so this one has a queue ")
    assert line.endswith(f" There are: mails, reports, site.{meant}")


@pytest.mark.parametrize("name", ["reports", "site", ""])
def test_a_name_that_is_configured_is_not(caplog: pytest.LogCaptureFixture, name: str) -> None:
    assert told(caplog, name) == []


def test_a_site_that_lists_no_clusters_may_have_any(caplog: pytest.LogCaptureFixture) -> None:
    assert told(caplog, "other", {}) == []
