"""What probes are answered."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client, override_settings
from django.urls import include, path

from djq_core import current
from djq_core.monitor.metrics import exposition
from tests.monitor.making import new_broker, publish, put

Broker = new_broker()
Away = new_broker(away=("ping",))
WATCHED = {"name": "main", "broker_class": f"{__name__}.Broker"}
AWAY = {"name": "main", "broker_class": f"{__name__}.Away"}
PROBES = ["/djq/health/", "/djq/health/ready/", "/djq/health/live/", "/djq/metrics/"]

urlpatterns = [
    path("djq/", include("djq_core.urls")),
    path("ops/", include("djq_core.urls", namespace="ops"), {"detail": True, "max_wait": 60, "clusters": ["main"]}),
]


@pytest.fixture(autouse=True)
def site() -> Iterator[None]:
    """Give these addresses to a site whose broker can be looked at."""
    for broker in (Broker, Away):
        broker.texts.clear()
        broker.queue.clear()
        broker.calls.clear()
    caches["default"].clear()
    with override_settings(ROOT_URLCONF=__name__, Q_CLUSTER=WATCHED):
        yield


def get(url: str, **headers: str) -> Any:
    return Client().get(url, headers=headers)


def test_a_site_that_is_well() -> None:
    publish(current.runtime())
    answer = get("/djq/health/")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json()["status"] == "healthy"
    assert answer.json()["queues"][0]["clusters"][0]["workers"] == 2


def test_a_site_without_a_cluster_is_not_well_and_ready_all_the_same() -> None:
    assert get("/djq/health/").status_code == 503
    assert get("/djq/health/").json()["problems"][0]["code"] == "no_cluster"
    assert (get("/djq/health/ready/").status_code, get("/djq/health/ready/").json()["status"]) == (200, "healthy")
    assert get("/djq/health/ready/").json()["queues"][0]["clusters"] is None


@override_settings(Q_CLUSTER=AWAY)
def test_a_site_whose_broker_is_away_is_neither_but_lives() -> None:
    assert [get(url).status_code for url in PROBES[:3]] == [503, 503, 200]
    assert "secret.example" not in get("/djq/health/").content.decode()
    assert "secret.example" in get("/ops/health/").content.decode()


def test_to_be_alive_asks_nobody() -> None:
    with override_settings(Q_CLUSTER={"name": "main", "unknown": 1}):
        assert get("/djq/health/live/").json() == {"status": "healthy"}
    assert Broker.calls == []


@pytest.mark.parametrize("url", ["/djq/health/", "/djq/health/ready/", "/djq/metrics/"])
@override_settings(Q_CLUSTER={"name": "main", "unknwn": 1})
def test_wrong_settings_are_no_fault_of_the_server(url: str) -> None:
    answer = get(url)
    assert answer.status_code == 503
    assert b"manage.py check" in answer.content
    assert b"unknwn" not in answer.content


@override_settings(Q_CLUSTER={"name": "main", "unknwn": 1})
def test_they_are_told_where_details_are_wanted() -> None:
    assert "unknwn" in get("/ops/health/").json()["detail"]


def test_the_options_of_the_addresses_are_followed() -> None:
    publish(current.runtime())
    put(current.runtime(), age=90)
    assert get("/djq/health/").status_code == 200
    answer = get("/ops/health/")
    assert answer.status_code == 503
    assert answer.json()["problems"][0]["code"] == "waits_too_long"
    assert answer.json()["queues"][0]["clusters"][0]["id"] == 17


@pytest.mark.parametrize("url", PROBES)
def test_nobody_keeps_the_answer_and_nothing_but_looking_is_allowed(url: str) -> None:
    assert "no-store" in get(url)["Cache-Control"]
    head = Client().head(url)
    assert (head.status_code, head.content) == (get(url).status_code, b"")
    for method in ("post", "put", "delete", "options"):
        assert getattr(Client(), method)(url).status_code == 405


@pytest.mark.parametrize("url", PROBES)
def test_no_login_is_needed_where_every_other_page_wants_one(url: str) -> None:
    middleware = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    with override_settings(MIDDLEWARE=middleware):
        assert get(url).status_code in (200, 503)


def test_the_metrics_come_in_the_format_that_is_asked_for() -> None:
    pytest.importorskip("prometheus_client")
    publish(current.runtime())
    plain = get("/djq/metrics/")
    assert plain["Content-Type"].startswith("text/plain")
    assert 'djq_queue_clusters{queue="main"} 1.0' in plain.content.decode()
    modern = get("/djq/metrics/", accept="application/openmetrics-text; version=1.0.0")
    assert modern["Content-Type"].startswith("application/openmetrics-text")
    assert modern.content.decode().endswith("# EOF\n")


def test_without_the_client_library_the_page_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    answer = get("/djq/metrics/")
    assert answer.status_code == 501
    assert "pip install 'djq-core[prometheus]'" in answer.content.decode()
    with pytest.raises(ImportError, match="prometheus"):
        exposition(current.runtime())
