"""The registry: choosing the broker, telling what is wrong with keys, looking up by key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from django.test import override_settings

from djq_core.brokers import Broker
from djq_core.exceptions import ConfigurationError, PluginError, UnknownSerializer
from djq_core.plugins import Registry, load
from djq_core.serializers import JsonSerializer
from tests.plugins.distributions import Site, broker_source, conf_of

WITH_ORM_APP = override_settings(INSTALLED_APPS=["django.contrib.contenttypes", "djq_core", "djq_orm"])
WITHOUT_ORM_APP = override_settings(INSTALLED_APPS=["django.contrib.contenttypes", "djq_core"])

REPORTER = """
from djq_core import hookimpl
from djq_core.reporters import ErrorReporter

class Rollbar(ErrorReporter):
    name = "rollbar"

    def __init__(self, access_token):
        self.access_token = access_token

@hookimpl
def djq_register_error_reporters():
    return [Rollbar]
"""


class OwnBroker(Broker):
    conf_keys = ("parents_key",)


class KeepingBroker(OwnBroker):
    pass


class TwofoldBroker(Broker):
    conf_keys = ("keeps",)

    @classmethod
    def for_keys(cls, keys: Mapping[str, Any]) -> type[Broker]:
        if keys.get("keeps") == "maybe":
            raise ConfigurationError("Q_CLUSTER['keeps'] takes True or False.")
        return KeepingBroker if keys.get("keeps") else cls


class NoBroker:
    pass


def loaded(site: Site, **keys: Any) -> Registry:
    return load(conf_of(**keys), entry_points=site.entry_points)


def chosen(site: Site, **keys: Any) -> type[Broker]:
    return loaded(site, **keys).broker_class(conf_of(**keys))


def install(site: Site, *names: str) -> None:
    for name in names:
        site.install(f"djq-{name}", broker_source(name, name, f"{name}_extra", choosing=(name,)))


# Choosing the broker


def test_the_key_broker_comes_first(site: Site) -> None:
    install(site, "redis", "orm", "sqs")
    assert chosen(site, broker="orm", redis={}, sqs={}).name == "orm"


def test_a_class_comes_with_its_parents_keys(site: Site) -> None:
    install(site, "redis")
    path = f"{__name__}.OwnBroker"
    assert chosen(site, broker_class=path, parents_key=1).__qualname__ == "OwnBroker"
    loaded(site, broker_class=path, parents_key=1).raise_for_keys(conf_of(broker_class=path, parents_key=1))


def test_the_keys_choose_between_the_classes_of_one_broker(site: Site) -> None:
    path = f"{__name__}.TwofoldBroker"
    assert chosen(site, broker_class=path).__qualname__ == "TwofoldBroker"
    assert chosen(site, broker_class=path, keeps=False).__qualname__ == "TwofoldBroker"
    assert chosen(site, broker_class=path, keeps=True).__qualname__ == "KeepingBroker"
    with pytest.raises(ConfigurationError, match="takes True or False"):
        chosen(site, broker_class=path, keeps="maybe")


def test_a_class_comes_before_the_keys_of_others(site: Site) -> None:
    install(site, "redis")
    assert chosen(site, broker_class=f"{__name__}.OwnBroker", redis={}).__qualname__ == "OwnBroker"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("no.such.Broker", "cannot be imported: No module named 'no'"),
        (f"{__name__}.Missing", "cannot be imported"),
        (f"{__name__}.NoBroker", "is not a subclass of djq_core.brokers.Broker"),
    ],
)
def test_a_class_that_is_no_broker_is_refused(site: Site, path: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        chosen(site, broker_class=path)


def test_the_owner_of_a_configured_key_is_chosen(site: Site) -> None:
    install(site, "redis", "sqs")
    assert chosen(site, sqs={"aws_region": "us-1"}).name == "sqs"


def test_any_key_chooses_a_broker_that_names_none(site: Site) -> None:
    site.install("acme-queue", broker_source("acme", "acme_url", "acme_token"))
    install(site, "redis")
    assert chosen(site, acme_token="t").name == "acme"


def test_a_key_that_does_not_choose_leaves_the_default(site: Site) -> None:
    install(site, "redis", "sqs")
    assert chosen(site, sqs_extra=1).name == "redis"


def test_keys_of_two_brokers_are_an_error_that_names_both(site: Site) -> None:
    install(site, "redis", "sqs")
    with pytest.raises(ConfigurationError, match="'redis' of the broker 'redis' and 'sqs' of the broker 'sqs'"):
        chosen(site, redis={}, sqs={})


def test_a_key_that_is_none_does_not_choose_beside_another(site: Site) -> None:
    install(site, "redis", "sqs")
    assert chosen(site, redis=None, sqs={}).name == "sqs"
    assert chosen(site, redis={}, sqs=None).name == "redis"
    assert chosen(site, sqs=None).name == "sqs"


def test_redis_is_the_default_where_it_is_installed(site: Site) -> None:
    install(site, "redis", "orm")
    with WITH_ORM_APP:
        assert chosen(site).name == "redis"


def test_the_orm_is_the_default_where_its_app_is_installed(site: Site) -> None:
    install(site, "orm", "sqs")
    with WITH_ORM_APP:
        assert chosen(site).name == "orm"


def test_without_its_app_the_orm_is_no_default(site: Site) -> None:
    install(site, "orm", "sqs")
    with WITHOUT_ORM_APP, pytest.raises(ConfigurationError, match=r"Installed: orm, sqs\. For the ORM add 'djq_orm'"):
        chosen(site)


def test_without_any_broker_it_is_said_what_to_install(site: Site) -> None:
    with pytest.raises(ConfigurationError, match=r"Installed: none\. pip install djq-redis, or djq-orm"):
        chosen(site)


def test_a_broken_redis_is_not_passed_over_in_silence(site: Site) -> None:
    site.install("djq-redis", "import no_such_library")
    install(site, "orm")
    with WITH_ORM_APP, pytest.raises(PluginError, match=r"djq-redis 1\.0 cannot be used: .*no_such_library"):
        chosen(site)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ord", "No plugin offers the broker 'ord'. Installed: orm, redis. Did you mean 'orm'?"),
        (
            "sqz",
            (
                "No plugin offers the broker 'sqz'. Installed: orm, redis. "
                "Did you mean 'sqs'? It comes with djq-sqs: pip install djq-sqs"
            ),
        ),
        (
            "mongo",
            (
                "No plugin offers the broker 'mongo'. Installed: orm, redis. "
                "It comes with djq-mongo: pip install djq-mongo"
            ),
        ),
        ("xxxxxxxx", "No plugin offers the broker 'xxxxxxxx'. Installed: orm, redis."),
    ],
)
def test_an_unknown_broker_is_told_with_the_remedy(site: Site, name: str, told: str) -> None:
    install(site, "orm", "redis")
    with pytest.raises(ConfigurationError) as caught:
        chosen(site, broker=name)
    assert str(caught.value) == told


def test_a_disabled_broker_is_told_as_such(site: Site) -> None:
    install(site, "orm", "redis")
    with pytest.raises(ConfigurationError, match=r"Installed: redis\. djq-orm 1\.0 is disabled by"):
        chosen(site, broker="orm", disabled_plugins=["orm"])


def test_a_broken_plugin_that_may_be_meant_is_named(site: Site) -> None:
    site.install("acme-queue", "import no_such_library", entry="entry")
    with pytest.raises(ConfigurationError, match=r"A broken plugin may offer it: acme-queue 1\.0"):
        chosen(site, broker="zzzzz")


# Keys


def messages(site: Site, **keys: Any) -> list[str]:
    return [str(problem) for problem in loaded(site, **keys).check_keys(conf_of(**keys))]


def test_claimed_keys_are_fine(site: Site) -> None:
    install(site, "sqs")
    assert messages(site, sqs={}, sqs_extra=1) == []


def test_an_unknown_key_is_told_with_the_nearest_one(site: Site) -> None:
    install(site, "acme")
    assert messages(site, queue_limt=3) == ["`queue_limt`: did you mean `queue_limit`?"]
    assert messages(site, acme_extr=3) == ["`acme_extr`: did you mean `acme_extra`?"]
    assert messages(site, ACME=3) == ["`ACME`: did you mean `acme`?"]
    assert messages(site, alt_clusters={}) == ["`alt_clusters`: did you mean `ALT_CLUSTERS`?"]
    assert messages(site, zzzzzzz=3) == ["`zzzzzzz` is no key of Q_CLUSTER."]


def test_a_key_without_its_plugin_says_what_to_install(site: Site) -> None:
    assert messages(site, sqs={}) == ["`sqs` needs djq-sqs: pip install djq-sqs"]
    with pytest.raises(ConfigurationError, match="`sqs` needs djq-sqs: pip install djq-sqs"):
        chosen(site, sqs={})


def test_a_key_of_a_disabled_plugin_is_told(site: Site) -> None:
    install(site, "sqs")
    assert messages(site, sqs={}, disabled_plugins=["sqs"]) == [
        "`sqs` belongs to djq-sqs 1.0, which `disabled_plugins` names. Remove one of the two."
    ]


def test_an_unknown_key_may_be_a_broken_plugins(site: Site) -> None:
    site.install("acme-queue", "import no_such_library", entry="entry")
    assert messages(site, zzzzzzz=3) == [
        "`zzzzzzz` is no key of Q_CLUSTER. A broken plugin may own it: acme-queue 1.0 (manage.py djq plugins)."
    ]


def test_a_setting_of_a_plugin_is_typed(site: Site) -> None:
    source = """
        from djq_core import hookimpl
        from djq_core.plugins import PluginSetting
        @hookimpl
        def djq_settings():
            return [PluginSetting("acme_port", int, default=80, doc="The port that listens.")]
    """
    site.install("acme", source)
    assert messages(site, acme_port=8080) == []
    assert messages(site, acme_port="8080") == ["`acme_port` must be int, not str. The port that listens."]
    (setting,) = loaded(site).settings
    assert setting.read(conf_of()) == 80
    assert setting.read(conf_of(acme_port=8080)) == 8080


def test_disabling_what_is_not_there_is_doubtful(site: Site) -> None:
    install(site, "sqs")
    conf = conf_of(disabled_plugins=["sqz"])
    (problem,) = load(conf, entry_points=site.entry_points).problems(conf)
    assert not problem.is_error
    assert str(problem) == "`disabled_plugins` names 'sqz', which is not installed. Installed: core, sqs."


# Serializers and result backends


def test_a_serializer_is_found_by_its_tag(site: Site) -> None:
    assert isinstance(loaded(site).serializer("json"), JsonSerializer)


def test_an_unknown_serializer_is_told(site: Site) -> None:
    with pytest.raises(
        UnknownSerializer, match=r"serializer 'pickel'\. Installed: json, pickle\. Did you mean 'pickle'\?"
    ):
        loaded(site).serializer("pickel")


def test_an_unknown_result_backend_is_told(site: Site) -> None:
    with pytest.raises(ConfigurationError, match=r"backend 'databse'\. Installed: cache, database\. .* 'database'\?"):
        loaded(site).result_backend("databse")


def test_a_result_backend_is_found_by_its_name(site: Site) -> None:
    assert loaded(site).result_backend("database").name == "database"


# Error reporters


def test_a_reporter_is_built_with_its_settings(site: Site) -> None:
    site.install("djq-rollbar", REPORTER)
    conf = conf_of(error_reporter={"rollbar": {"access_token": "secret"}})
    registry = load(conf, entry_points=site.entry_points)
    assert registry.check_keys(conf) == []
    assert len(registry.reporters(conf)) == 1


def test_settings_that_a_reporter_does_not_take_are_told(site: Site) -> None:
    site.install("djq-rollbar", REPORTER)
    conf = conf_of(error_reporter={"rollbar": {"token": "secret"}})
    with pytest.raises(ConfigurationError, match="error reporter 'rollbar' does not take its settings") as caught:
        load(conf, entry_points=site.entry_points).reporters(conf)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("said", "told"), [("Is it 7?", "Is it 7?"), ("It is 8.", "It is 8."), ("nine", "nine.")])
def test_what_a_reporter_says_of_its_settings_is_ended_once(site: Site, said: str, told: str) -> None:
    site.install("djq-rollbar", REPORTER.replace("self.access_token = access_token", f"raise ValueError({said!r})"))
    conf = conf_of(error_reporter={"rollbar": {"access_token": "secret"}})
    with pytest.raises(ConfigurationError) as caught:
        load(conf, entry_points=site.entry_points).reporters(conf)
    assert str(caught.value).endswith(f"its settings: ValueError: {told}")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("rollbar", "The error reporter `rollbar` needs djq-rollbar: pip install djq-rollbar"),
        (
            "sentri",
            (
                "No plugin offers the error reporter 'sentri'. Installed: none. Did you mean 'sentry'? "
                "`sentry` needs djq-sentry: pip install djq-sentry"
            ),
        ),
        ("mailbox", "No plugin offers the error reporter 'mailbox'. Installed: none."),
    ],
)
def test_an_unknown_reporter_is_told_with_the_remedy(site: Site, name: str, told: str) -> None:
    conf = conf_of(error_reporter={name: {}})
    registry = load(conf, entry_points=site.entry_points)
    assert [str(problem) for problem in registry.check_keys(conf)] == [told]
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        registry.reporters(conf)


def test_no_reporter_is_no_reporter(site: Site) -> None:
    assert not loaded(site).reporters(conf_of())
