"""Loading: each plugin alone, and what becomes of a broken, doubled or disabled one."""

from __future__ import annotations

import logging
import re
import sys

import pytest

from djq_core.exceptions import PluginError
from djq_core.plugins import PluginRecord, Registry, discover, load
from tests.plugins.distributions import Site, broker_source, conf_of


def record_of(registry: Registry, name: str) -> PluginRecord:
    return next(record for record in registry.plugins if record.name == name)


def test_core_offers_through_the_same_door() -> None:
    registry = load(conf_of(), entry_points=[])
    core = record_of(registry, "core")
    assert (core.distribution, core.status) == ("djq-core", "loaded")
    assert core.offers["result_backends"] == ("database", "cache")
    assert core.offers["serializers"] == ("pickle", "json")
    assert set(registry.serializers) == {"pickle", "json"}
    assert set(registry.result_backends) == {"database", "cache"}


def test_a_plugin_is_found_and_described(site: Site) -> None:
    site.install("djq-sample", broker_source("sample", "sample", "sample_extra"), version="2.5")
    registry = load(conf_of(sample=1), entry_points=site.entry_points)
    assert record_of(registry, "sample") == PluginRecord(
        name="sample",
        distribution="djq-sample",
        version="2.5",
        status="loaded",
        hooks=("djq_register_brokers",),
        keys=("sample", "sample_extra"),
        offers={"brokers": ("sample",)},
        capabilities={"sample": ("max_bulk=10", "supports_receipts")},
    )
    assert registry.brokers["sample"].__qualname__ == "Offered"


def test_a_plugin_may_be_an_object(site: Site) -> None:
    source = """
        from djq_core import hookimpl
        class Plugin:
            @hookimpl
            def djq_resolve_function(self, path):
                return print
        plugin = Plugin()
    """
    site.install("djq-sample", source, attribute="plugin")
    registry = load(conf_of(), entry_points=site.entry_points)
    assert registry.hooks.resolve_function("anything") is print


def test_a_broken_plugin_is_a_record_and_the_others_are_loaded(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.install("djq-bad", "import no_such_library")
    site.install("djq-good", broker_source("good"))
    with caplog.at_level(logging.WARNING, "djq"):
        registry = load(conf_of(), entry_points=site.entry_points)
    bad = record_of(registry, "bad")
    assert bad.status == "broken"
    assert bad.error == "ModuleNotFoundError: No module named 'no_such_library'"
    assert "good" in registry.brokers
    assert "Plugin bad of djq-bad 1.0 is broken" in caplog.text


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise ValueError('at import')", "ValueError: at import"),
        ("def", "SyntaxError: "),
        (
            "from djq_core import hookimpl\n@hookimpl\ndef djq_pre_enqeue(task): pass",
            "There is no hook 'djq_pre_enqeue'. Did you mean 'djq_pre_enqueue'?",
        ),
        ("from djq_core import hookimpl\n@hookimpl\ndef djq_ready(config): pass", "config"),
        ("def djq_ready(conf): pass", "djq_ready is not marked: put @djq_core.hookimpl above it."),
        (
            "from djq_core import hookimpl\n@hookimpl\ndef djq_register_brokers(): raise OSError('no')",
            "OSError: no",
        ),
        (
            "from djq_core import hookimpl\n@hookimpl\ndef djq_register_brokers(): return [dict]",
            "djq_register_brokers returned <class 'dict'>, which is not a subclass of Broker.",
        ),
        (
            (
                "from djq_core import hookimpl\nfrom djq_core.serializers import Serializer\n"
                "@hookimpl\ndef djq_register_serializers(): return [Serializer]"
            ),
            "djq_register_serializers returned Serializer, whose 'tag' is empty.",
        ),
        (
            "from djq_core import hookimpl\n@hookimpl\ndef djq_register_brokers(): return None",
            "djq_register_brokers returned None: give a list.",
        ),
        (
            "from djq_core import hookimpl\n@hookimpl\ndef djq_settings(): return ['key']",
            "djq_settings returned 'key', which is not a PluginSetting.",
        ),
        (
            "from djq_core import hookimpl\n@hookimpl(wrapper=True)\ndef djq_post_execute(task): yield",
            "djq_post_execute cannot be wrapped; only djq_execute can.",
        ),
    ],
)
def test_what_breaks_a_plugin_is_said(site: Site, source: str, error: str) -> None:
    site.install("djq-bad", source)
    registry = load(conf_of(), entry_points=site.entry_points)
    bad = record_of(registry, "bad")
    assert bad.status == "broken"
    assert error in (bad.error or "")


def test_an_entry_point_to_a_class_is_refused(site: Site) -> None:
    site.install("djq-bad", "class Plugin: pass", attribute="Plugin")
    bad = record_of(load(conf_of(), entry_points=site.entry_points), "bad")
    assert bad.error == "The entry point leads to the class Plugin: give a module or an instance."


def test_the_hooks_of_a_broken_plugin_are_not_called(site: Site) -> None:
    source = """
        from djq_core import hookimpl
        @hookimpl
        def djq_pre_execute(func, task):
            raise RuntimeError("half loaded")
        @hookimpl
        def djq_register_brokers():
            raise OSError
    """
    site.install("djq-bad", source)
    hooks = load(conf_of(), entry_points=site.entry_points).hooks
    hooks.pre_execute(print, {"args": (), "kwargs": {}})


@pytest.mark.parametrize(
    ("entry", "keys"),
    [
        ("own", {"broker": "own"}),
        ("own", {"own": 1}),
        ("own", {"serializer": "own"}),
        ("own", {"error_reporter": {"own": {}}}),
    ],
)
def test_a_broken_plugin_that_the_configuration_names_is_fatal(site: Site, entry: str, keys: dict[str, object]) -> None:
    site.install("djq-own", "raise ValueError('at import')", entry=entry)
    named = next(iter(keys))
    with pytest.raises(PluginError, match=rf"plugin 'own' of djq-own 1.0 .*`{named}` names it: ValueError: at import"):
        load(conf_of(**keys), entry_points=site.entry_points)


@pytest.mark.parametrize(
    ("distribution", "keys"),
    [
        ("djq-sqs", {"sqs": {"aws_region": "us-1"}}),
        ("Djq_Mongo", {"mongo_db": "queue"}),
        ("djq-rollbar", {"error_reporter": {"rollbar": {"access_token": "t"}}}),
    ],
)
def test_a_broken_plugin_of_ours_is_known_by_its_keys(site: Site, distribution: str, keys: dict[str, object]) -> None:
    site.install(distribution, "import no_such_library", entry="entry")
    with pytest.raises(PluginError, match=re.escape(f"{distribution} 1.0")):
        load(conf_of(**keys), entry_points=site.entry_points)


def test_one_name_twice_is_an_error_that_names_both(site: Site) -> None:
    site.install("djq-one", "", entry="same")
    site.install("djq-two", "", entry="same")
    with pytest.raises(PluginError, match=r"djq-one 1\.0 and djq-two 1\.0 both have a plugin named 'same'"):
        load(conf_of(), entry_points=site.entry_points)


def test_cores_own_name_is_taken(site: Site) -> None:
    site.install("djq-one", "", entry="core")
    with pytest.raises(PluginError, match=r"djq-core \S+ and djq-one 1\.0 both have a plugin named 'core'"):
        load(conf_of(), entry_points=site.entry_points)


def test_one_broker_name_twice_is_an_error_that_names_both(site: Site) -> None:
    site.install("djq-one", broker_source("same", "one"))
    site.install("djq-two", broker_source("same", "two"))
    with pytest.raises(PluginError, match=r"djq-one 1\.0 and djq-two 1\.0 both offer the broker 'same'"):
        load(conf_of(), entry_points=site.entry_points)


def test_one_key_twice_is_an_error_that_names_both(site: Site) -> None:
    site.install("djq-one", broker_source("one", "shared"))
    site.install("djq-two", broker_source("two", "shared"))
    with pytest.raises(PluginError, match=r"djq-one 1\.0 and djq-two 1\.0 both claim the key 'shared'"):
        load(conf_of(), entry_points=site.entry_points)


def test_a_key_of_core_cannot_be_claimed(site: Site) -> None:
    site.install("djq-one", broker_source("one", "workers"))
    with pytest.raises(PluginError, match=r"djq-one 1\.0 claims the key 'workers'"):
        load(conf_of(), entry_points=site.entry_points)


def test_a_serializer_of_core_cannot_be_replaced_silently(site: Site) -> None:
    source = """
        from djq_core import hookimpl
        from djq_core.serializers import Serializer
        class Evil(Serializer):
            tag = "pickle"
        @hookimpl
        def djq_register_serializers():
            return [Evil]
    """
    site.install("djq-evil", source)
    with pytest.raises(PluginError, match=r"djq-core \S+ and djq-evil 1\.0 both offer the serializer 'pickle'"):
        load(conf_of(), entry_points=site.entry_points)


def test_a_conflict_is_solved_by_disabling_one(site: Site) -> None:
    site.install("djq-one", broker_source("first"), entry="same")
    site.install("djq-two", broker_source("second"), entry="same")
    registry = load(conf_of(disabled_plugins=["djq_one"]), entry_points=site.entry_points)
    assert set(registry.brokers) == {"second"}


@pytest.mark.parametrize("name", ["off", "djq-off"])
def test_a_disabled_plugin_is_not_even_imported(site: Site, name: str) -> None:
    module = site.install("djq-off", "raise SystemExit")
    registry = load(conf_of(disabled_plugins=[name]), entry_points=site.entry_points)
    assert record_of(registry, "off").status == "disabled"
    assert module not in sys.modules


def test_every_load_has_a_manager_of_its_own(site: Site) -> None:
    class Refusing:
        pass

    first, second = (load(conf_of(), entry_points=[]) for _ in range(2))
    first.hooks.register(Refusing(), "refusing")
    second.hooks.register(Refusing(), "refusing")
    assert first.hooks is not second.hooks


def test_discovering_tells_conflicts_instead_of_raising(site: Site) -> None:
    site.install("djq-one", broker_source("same"))
    site.install("djq-two", broker_source("same"))
    conf = conf_of()
    registry = discover(conf, entry_points=site.entry_points)
    assert [problem.message for problem in registry.problems(conf)] == [
        "djq-one 1.0 and djq-two 1.0 both offer the broker 'same'."
    ]
