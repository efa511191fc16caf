"""Where Django meets djq: settings are read once, and anew when they change."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from djq_core import current
from djq_core.exceptions import ConfigurationError

BASE: dict[str, Any] = {"name": "tests", "orm": "default"}


@pytest.fixture
def environment() -> Iterator[None]:
    """Leave the environment and the app as they were."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
    with override_settings(Q_CLUSTER=BASE):
        pass


def test_configuration_and_runtime_are_made_once() -> None:
    app = current.app_config()
    assert app.conf is app.conf
    assert current.runtime() is current.runtime() is app.runtime


def test_an_overridden_setting_takes_effect_at_once_and_ends_with_its_block() -> None:
    before = current.runtime()
    with override_settings(Q_CLUSTER={**BASE, "name": "inside", "timeout": 7}):
        assert (current.runtime().conf.name, current.runtime().conf.timeout) == ("inside", 7)
        assert current.runtime().broker().list_key == "inside"
    assert current.runtime().conf == before.conf
    assert current.runtime() is not before


@pytest.mark.parametrize(
    ("setting", "value", "field"),
    [
        ("SECRET_KEY", "another", "secret_key"),
        ("SECRET_KEY_FALLBACKS", ("old",), "secret_key_fallbacks"),
        ("TIME_ZONE", "Europe/Athens", "time_zone"),
        ("USE_TZ", False, "use_tz"),
    ],
)
def test_django_s_settings_are_followed_too(setting: str, value: Any, field: str) -> None:
    _ = current.app_config().conf
    with override_settings(**{setting: value}):
        assert getattr(current.app_config().conf, field) == value
    assert getattr(current.app_config().conf, field) != value


def test_a_wrong_setting_is_told_when_it_is_used_and_by_the_checks() -> None:
    with override_settings(Q_CLUSTER={**BASE, "workers": -1}):
        with pytest.raises(ConfigurationError, match="workers"):
            current.runtime()
        assert [message.id for message in run_checks() if (message.id or "").startswith("djq.")] == ["djq.E003"]
        assert [problem.key for problem in current.app_config().conf_problems()] == ["workers"]
    assert current.app_config().conf_problems() == []


def test_a_key_that_nobody_knows_stops_the_first_use() -> None:
    with override_settings(Q_CLUSTER={**BASE, "queue_limt": 5}), pytest.raises(ConfigurationError, match="queue_limit"):
        current.runtime()


@pytest.mark.usefixtures("environment")
def test_the_environment_chooses_the_cluster() -> None:
    with override_settings(Q_CLUSTER={**BASE, "ALT_CLUSTERS": {"long": {"timeout": 9}}}):
        current.app_config().use_cluster("long")
        assert (current.runtime().conf.name, current.runtime().conf.timeout) == ("long", 9)
        assert os.environ["Q_CLUSTER_NAME"] == "long"


@pytest.mark.usefixtures("environment")
def test_fault_points_come_from_the_environment() -> None:
    app = current.app_config()
    assert app.conf.faults == ""
    os.environ |= {"DJQ_FAULT": "a.one:kill", "DJQ_FAULT_BUDGET": "/tmp"}
    with override_settings(Q_CLUSTER=BASE):
        assert app.conf.faults == "a.one:kill@/tmp"


def test_the_label_names_the_section_of_the_admin() -> None:
    assert str(current.app_config().verbose_name) == "Django Q"
