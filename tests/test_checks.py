"""Problems of the configuration as Django's system checks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.test import override_settings

import djq_core
from djq_core.checks import CATALOGUE, check_configuration, check_deployment, messages
from djq_core.conf import Problem
from tests.making import MemoryBroker
from tests.plugins.distributions import site_at

CHECK_ID = re.compile(r"djq\.[EW]\d{3}")


def ids(**q_cluster: Any) -> list[str | None]:
    """Return the ids of the messages for a Q_CLUSTER with these keys."""
    with override_settings(Q_CLUSTER={"orm": "default", **q_cluster}):
        return [message.id for message in check_configuration()]


def test_the_site_under_test_is_well_configured() -> None:
    assert check_configuration() == []
    assert check_deployment() == []


def test_an_error_is_an_error_and_a_warning_a_warning() -> None:
    error, warning = messages([Problem("djq.E003", "a", "Wrong.", "Mend it."), Problem("djq.W002", "b", "Doubtful.")])
    assert error == checks.Error("Wrong.", hint="Mend it.", id="djq.E003")
    assert warning == checks.Warning("Doubtful.", hint=None, id="djq.W002")


def test_every_problem_of_the_configuration_is_a_message() -> None:
    assert ids(workers=-1, retry="soon") == ["djq.E003", "djq.E002"]


def test_a_warning_comes_alone_where_nothing_is_wrong() -> None:
    assert ids(workers=2, queue_limit=1) == ["djq.W002"]


def test_what_is_no_dictionary_is_an_error() -> None:
    with override_settings(Q_CLUSTER="redis"):
        assert [message.id for message in check_configuration()] == ["djq.E001"]


def test_a_key_that_nobody_knows_is_an_error_with_the_nearest_name() -> None:
    with override_settings(Q_CLUSTER={"orm": "default", "queue_limt": 5}):
        (message,) = check_configuration()
    assert message.id == "djq.E101"
    assert "did you mean `queue_limit`?" in message.msg


def test_a_key_of_a_plugin_that_is_disabled_is_an_error() -> None:
    with override_settings(Q_CLUSTER={"orm": "default", "iron_mq": {}, "disabled_plugins": ["ironmq"]}):
        (message,) = check_configuration()
    assert message.id == "djq.E102"
    assert "Remove one of the two" in str(message.hint)


def test_a_cache_that_is_none_of_the_site_is_an_error() -> None:
    assert ids(cache="no such cache") == ["djq.E011"]


def test_a_database_that_is_none_of_the_site_is_an_error() -> None:
    assert ids(enqueue_on_commit="no such database") == ["djq.E011"]
    assert ids(enqueue_on_commit="default") == ids(enqueue_on_commit=True) == []


def test_a_broker_that_nobody_offers_is_an_error() -> None:
    assert ids(broker="sqz") == ["djq.E107"]


@pytest.mark.parametrize(
    ("key", "broker", "chooser"),
    [
        ("disque_auth", "disque", "`disque_nodes`"),
        ("redis_receipts", "redis", "`redis` or `django_redis`"),
    ],
)
def test_a_key_of_a_broker_that_is_not_chosen_is_doubtful(key: str, broker: str, chooser: str) -> None:
    with override_settings(Q_CLUSTER={"orm": "default", key: True}):
        (message,) = check_configuration()
    assert message.id == "djq.W102"
    assert message.msg == f"`{key}` has no effect: it belongs to the broker {broker!r}, and 'orm' is chosen."
    assert message.hint == f"That broker is chosen by {chooser}."


def test_keys_that_are_read_are_not_doubtful() -> None:
    assert ids(has_replica=True) == []
    assert ids(broker="orm", redis={}, redis_receipts=True) == []
    assert ids(disque_auth="x", sync=True) == []
    assert ids(redis_receipts=True, ALT_CLUSTERS={"fast": {"broker": "redis"}}) == []


def test_a_broker_class_that_cannot_be_imported_is_an_error() -> None:
    assert ids(broker_class="no.such.Broker") == ["djq.E107"]


class Forgetful(MemoryBroker):
    """One that does not know how often it has delivered a package."""

    counts_deliveries = False


def test_attempts_that_nobody_counts_are_doubtful() -> None:
    with override_settings(Q_CLUSTER={"broker_class": f"{__name__}.Forgetful", "max_attempts": 3}):
        (message,) = check_configuration()
    assert (message.id, message.level) == ("djq.W103", checks.WARNING)
    assert "Forgetful does not count deliveries" in message.msg
    with override_settings(Q_CLUSTER={"broker_class": f"{__name__}.Forgetful"}):
        assert check_configuration() == []


def test_two_doubts_about_a_broker_are_both_told() -> None:
    class_path = f"{__name__}.Forgetful"
    with override_settings(Q_CLUSTER={"broker_class": class_path, "max_attempts": 3, "redis_receipts": True}):
        assert [message.id for message in check_configuration()] == ["djq.W103", "djq.W102"]


def test_a_site_in_sync_needs_no_broker() -> None:
    assert ids(broker="sqz", sync=True) == []


def test_a_serializer_that_nobody_offers_is_an_error() -> None:
    assert ids(serializer="yaml") == ["djq.E108"]


def test_a_result_backend_that_nobody_offers_is_an_error() -> None:
    assert ids(result_backend="databse") == ["djq.E109"]


def test_the_checks_are_registered_with_django() -> None:
    with override_settings(Q_CLUSTER={"orm": "default", "workers": 0}):
        found = checks.run_checks()
    assert "djq.E003" in [message.id for message in found]


def test_a_misspelt_key_of_another_cluster_is_an_error_too() -> None:
    clusters = {"long": {"queue_limt": 5}, "mail": {"orm": "default"}}
    with override_settings(Q_CLUSTER={"orm": "default", "ALT_CLUSTERS": clusters}):
        (message,) = check_configuration()
    assert message.id == "djq.E101"
    assert message.msg == "ALT_CLUSTERS['long']: `queue_limt`: did you mean `queue_limit`?"


@pytest.mark.parametrize(
    ("entry", "code", "told"),
    [
        ({"redis": {"host": "a"}}, "djq.E107", "Q_CLUSTER has 'orm' of the broker 'orm' and 'redis'"),
        ({"broker": "sqz"}, "djq.E107", "No plugin offers the broker 'sqz'."),
        ({"cache": "no such cache"}, "djq.E011", "`cache` is 'no such cache'"),
    ],
)
def test_a_broker_or_cache_of_another_cluster_that_is_not_there_is_an_error(
    entry: dict[str, object], code: str, told: str
) -> None:
    with override_settings(Q_CLUSTER={"orm": "default", "ALT_CLUSTERS": {"mail": entry}}):
        (message,) = check_configuration()
    assert message.id == code
    assert message.msg.startswith(f"ALT_CLUSTERS['mail']: {told}")


def test_what_is_wrong_with_every_cluster_is_said_once() -> None:
    with override_settings(Q_CLUSTER={"broker": "sqz", "cache": "none", "ALT_CLUSTERS": {"mail": {}}}):
        assert [message.id for message in check_configuration()] == ["djq.E011", "djq.E107"]


# What plugins say

TALKING = """
    from django.core import checks
    from djq_core import hookimpl

    @hookimpl
    def djq_check(conf, deploy):
        said = [checks.Warning(f"{conf.name} is small.", id="talking.W001")]
        return [*said, checks.Error("Not for the world.", id="talking.E001")] if deploy else said
"""


@pytest.fixture
def talking_plugin(tmp_path: Path) -> Iterator[None]:
    """Install a plugin that has something to say, for a while."""
    with site_at(tmp_path) as site:
        site.install("djq-talking", TALKING)
        yield


@pytest.mark.usefixtures("talking_plugin")
def test_plugins_are_heard_where_nothing_is_wrong() -> None:
    assert ids(name="x") == ["talking.W001"]
    assert ids(name="x", workers=0) == ["djq.E003"]


@pytest.mark.usefixtures("talking_plugin")
def test_for_a_deployment_only_what_is_said_beyond_is_added() -> None:
    with override_settings(Q_CLUSTER={"orm": "default", "name": "x"}):
        assert [message.id for message in check_deployment()] == ["talking.E001"]
        whole = checks.run_checks(include_deployment_checks=True)
    assert [message.id for message in whole if (message.id or "").startswith("talking")] == [
        "talking.W001",
        "talking.E001",
    ]


@pytest.mark.usefixtures("talking_plugin")
def test_a_wrong_configuration_is_no_deployment() -> None:
    with override_settings(Q_CLUSTER={"orm": "default", "workers": 0}):
        assert check_deployment() == []


def test_a_broken_plugin_that_is_named_is_an_error(tmp_path: Path) -> None:
    with site_at(tmp_path) as site:
        site.install("djq-sqs", "raise RuntimeError('no boto3 here')")
        with override_settings(Q_CLUSTER={"sqs": {}}):
            (message,) = check_configuration()
    assert message.id in {"djq.E100", "djq.E106"}
    assert "no boto3 here" in message.msg


# The catalogue


def test_every_id_in_use_is_in_the_catalogue_and_the_other_way_round() -> None:
    sources = Path(djq_core.__file__).parent.rglob("*.py")
    used = Counter(code for path in sources for code in CHECK_ID.findall(path.read_text()))
    assert set(used) == set(CATALOGUE)
    assert [code for code, count in used.items() if count == 1] == []


@pytest.mark.parametrize(("code", "line"), CATALOGUE.items())
def test_every_id_has_one_line(code: str, line: str) -> None:
    assert CHECK_ID.fullmatch(code)
    assert line.endswith(".")
    assert "\n" not in line
