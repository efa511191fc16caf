"""Error reporters that were written for Django-Q: found, loaded, and told apart from ours."""

from __future__ import annotations

import sys

import pytest
from importlib_metadata import distribution, entry_points

from djq_core.exceptions import PluginError
from djq_core.plugins import PluginRecord, Registry, discover, legacy, load
from djq_core.reporters.legacy import LegacyReporter
from tests.plugins.distributions import Site, conf_of

OLD = """
class Old:
    def __init__(self, **settings):
        self.settings = settings
    def report(self):
        pass
"""
OURS = """
from djq_core import hookimpl
from djq_core.reporters import ErrorReporter

class Ours(ErrorReporter):
    name = "sentry"

@hookimpl
def djq_register_error_reporters():
    return [Ours]
"""


def install_old(site: Site, dist: str = "django-q-acme", entry: str = "acme", source: str = OLD) -> str:
    return site.install(dist, source, entry=entry, attribute="Old", group=legacy.LEGACY_GROUP, version="0.1")


def record_of(registry: Registry, distribution: str) -> PluginRecord:
    return next(record for record in registry.plugins if record.distribution == distribution)


def test_a_reporter_of_djangoq_is_found_by_its_group(site: Site) -> None:
    module = install_old(site)
    conf = conf_of(error_reporter={"acme": {"token": "t"}})
    registry = load(conf, entry_points=site.entry_points)
    assert registry.check_keys(conf) == []
    assert record_of(registry, "django-q-acme") == PluginRecord(
        name="acme", distribution="django-q-acme", version="0.1", offers={"error_reporters": ("acme",)}
    )
    made = registry.error_reporters["acme"]
    assert issubclass(made, LegacyReporter)
    assert (made.__name__, made.__module__, made.name) == ("Old", module, "acme")
    assert made(token="t")._reporter.settings == {"token": "t"}
    assert len(registry.reporters(conf)) == 1


def test_one_of_djq_comes_first_and_that_is_said(site: Site) -> None:
    site.install("djq-sentry", OURS, entry="sentry")
    module = install_old(site, "django-q-sentry", "sentry")
    conf = conf_of(error_reporter={"sentry": {}})
    registry = load(conf, entry_points=site.entry_points)
    assert registry.error_reporters["sentry"].__name__ == "Ours"
    old = record_of(registry, "django-q-sentry")
    assert (old.status, old.offers) == ("disabled", {})
    assert old.error == (
        "not used: djq-sentry 1.0 offers the error reporter 'sentry' too. "
        "With 'djq-sentry' in `disabled_plugins` this one takes its place."
    )
    assert module not in sys.modules, "nothing of it is imported"


def test_the_old_one_takes_its_place_where_ours_is_disabled(site: Site) -> None:
    site.install("djq-sentry", OURS, entry="sentry")
    install_old(site, "django-q-sentry", "sentry")
    conf = conf_of(error_reporter={"sentry": {}}, disabled_plugins=["djq-sentry"])
    assert load(conf, entry_points=site.entry_points).error_reporters["sentry"].__name__ == "Old"


def test_both_can_be_disabled_by_their_name(site: Site) -> None:
    site.install("djq-sentry", OURS, entry="sentry")
    install_old(site, "django-q-sentry", "sentry")
    conf = conf_of(error_reporter={"sentry": {}}, disabled_plugins=["sentry"])
    registry = load(conf, entry_points=site.entry_points)
    assert registry.error_reporters == {}
    (problem,) = registry.check_keys(conf)
    assert str(problem) == "The error reporter `sentry` is that of djq-sentry 1.0, which `disabled_plugins` names."


def test_two_old_ones_of_one_name_are_a_conflict(site: Site) -> None:
    install_old(site, "acme-one")
    install_old(site, "acme-two")
    with pytest.raises(PluginError, match=r"acme-one 0.1 and acme-two 0.1 both offer the error reporter 'acme'"):
        load(conf_of(), entry_points=site.entry_points)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("class Old: pass", ":Old is no class with a method report()."),
        ("Old = 5", ":Old is no class with a method report()."),
    ],
)
def test_a_broken_one_is_fatal_where_it_is_named(site: Site, source: str, told: str) -> None:
    install_old(site, source=source)
    registry = load(conf_of(), entry_points=site.entry_points)
    assert registry.error_reporters == {}
    with pytest.raises(PluginError, match="plugin 'acme' of django-q-acme") as caught:
        load(conf_of(error_reporter={"acme": {}}), entry_points=site.entry_points)
    assert told in str(caught.value)


def test_the_two_that_declare_nothing_are_found_by_their_distribution() -> None:
    found = {entry.dist.name: (entry.name, entry.value) for entry in legacy.installed(entry_points()) if entry.dist}
    assert found["django-q-rollbar"] == ("rollbar", "django_q_rollbar:Rollbar")
    assert found["django-q-sentry"] == ("sentry", "django_q_sentry:Sentry")
    assert [entry.group for dist in found for entry in distribution(dist).entry_points] == []
    registry = discover(conf_of(disabled_plugins=["djq-rollbar"]))
    old = record_of(registry, "django-q-rollbar")
    assert (old.name, old.version, old.status) == ("rollbar", distribution("django-q-rollbar").version, "loaded")
    assert registry.error_reporters["rollbar"].__module__ == "django_q_rollbar.rollbar"


def test_what_djangoq_itself_declares_of_them_is_passed_over(site: Site) -> None:
    entries = {"rollbar": "django_q_rollbar:Rollbar [rollbar]", "sentry": "django_q_sentry:Sentry [sentry]"}
    site.describe("django-q", "1.3.9", legacy.LEGACY_GROUP, entries)
    assert len(site.entry_points) == 2
    owners = [entry.dist.name for entry in legacy.installed(entry_points()) if entry.dist]
    assert sorted(owners) == ["django-q-rollbar", "django-q-sentry"]
