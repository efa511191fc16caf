"""What is sent, and how the library is initialised."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from djq_core.exceptions import ConfigurationError
from djq_rollbar.context import MOST_ITEMS, MOST_TEXT, arguments, custom_data, payload_data
from djq_rollbar.reporter import RollbarReporter
from plugins.djq_rollbar.tests.endpoint import Endpoint, error_of

HERE = __name__
Run = Callable[..., Any]


def send_mail(to: str, password: str, *, tries: int = 3) -> None:
    """Be a function of a task."""


def task(*args: Any, func: str = f"{HERE}.send_mail", **kwargs: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "name": "n",
        "func": func,
        "args": args,
        "kwargs": kwargs,
        "group": None,
        "attempt": 2,
        "queue": "q",
    }


# What is told of a task


def test_the_task_is_told_in_the_words_of_the_manual() -> None:
    told = {"id": "1", "name": "n", "func": f"{HERE}.send_mail", "attempt": 2, "queue": "q"}
    assert custom_data(task(), "worker") == {"djq": {"where": "worker", "task": told}}
    assert payload_data(task()) == {"context": f"{HERE}.send_mail"}


def test_without_a_task_the_process_is_told_alone() -> None:
    assert custom_data(None, "pusher") == {"djq": {"where": "pusher"}}
    assert custom_data(None, None) == payload_data(None) == {}


def test_arguments_have_the_names_of_parameters_which_tell_what_is_secret() -> None:
    assert arguments(task("a@b", "hunter2", tries=5)) == {
        "arguments": {"to": "a@b", "password": "********", "tries": 5}
    }


def test_arguments_of_an_unknown_function_are_told_as_they_came() -> None:
    given = task("a", {"token": "hunter2"}, func="no.such", api_key="hunter2", uri="redis://me:hunter2@host")
    assert arguments(given) == {
        "args": ["a", {"token": "********"}],
        "kwargs": {"api_key": "********", "uri": "redis://********@host"},
    }
    assert arguments(task(1, 2, 3, 4)) == {"args": [1, 2, 3, 4], "kwargs": {}}, "they do not fit the function"


def test_local_variables_are_scrubbed_in_items_of_ours_alone(run: Run, endpoint: Endpoint) -> None:
    run("""
        settings.configure()
        import rollbar
        from djq_rollbar.reporter import RollbarReporter
        reporter = RollbarReporter(access_token="t", endpoint=URL, handler="blocking")
        SECRET = "".join(["hunter", "2"])  # a traceback may show the source
        def charge(card_token, uri, nested):
            raise ValueError("odd")
        try:
            try:
                charge(SECRET, f"redis://me:{SECRET}@host", {"deep": {"api_key": SECRET}, "amount": 5})
            except ValueError as error:
                raise KeyError("cause") from error
        except KeyError:
            reporter.report(None, {"id": "1", "func": "a.b"}, "worker")
            rollbar.report_exc_info()
    """)
    ours, other = endpoint.texts
    assert "hunter2" not in ours
    assert '"amount": 5' in ours
    assert "hunter2" in other, "the site's own items are the site's"


def test_notes_are_told() -> None:
    error = ValueError("odd")
    error.add_note("Its last stack")
    assert custom_data(None, "worker", error) == {"djq": {"where": "worker", "notes": ["Its last stack"]}}


def test_large_arguments_are_cut() -> None:
    told = arguments(task("x" * 5000, b"bytes", list(range(500)), [[[[[1]]]]], object(), func="no.such"))["args"]
    assert told[0] == "x" * MOST_TEXT + "… (5000 characters)"
    assert told[1] == "<5 bytes>"
    assert told[2] == [*range(MOST_ITEMS), "450 more"]
    assert told[3:] == [[[["<list>"]]], "<object>"]


# One library for the process: each case has its own


@pytest.fixture
def run(endpoint: Endpoint, tmp_path: Path) -> Run:
    """Give a way to run a script with Django and rollbar in a process of its own."""

    def run(script: str, **names: Any) -> str:
        head = "import json, logging, os, sys, django\nfrom django.conf import settings\n"
        values = "".join(f"{name} = {value!r}\n" for name, value in {"URL": endpoint.url, **names}.items())
        ended = subprocess.run(
            [sys.executable, "-c", head + values + dedent(script)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    return run


def test_the_settings_are_the_keywords_of_init(run: Run, endpoint: Endpoint) -> None:
    run("""
        settings.configure()
        from djq_rollbar.reporter import RollbarReporter
        reporter = RollbarReporter(
            access_token="t", environment="staging", endpoint=URL, code_version="abc", handler="blocking", root="/srv"
        )
        assert logging.getLogger().handlers == [], "the site's logging is its own"
        try:
            {}["missing"]
        except KeyError:
            reporter.report(None, {"id": "7", "name": "n", "func": "shop.tasks.pay", "args": (1,)}, "worker")
    """)
    (item,) = endpoint.items
    assert (item["environment"], item["code_version"], item["context"]) == ("staging", "abc", "shop.tasks.pay")
    assert error_of(item) == {"class": "KeyError", "message": "'missing'"}
    assert item["custom"]["djq"]["task"]["id"] == "7"
    assert item["server"]["root"] == "/srv"
    assert "person" not in item
    assert "request" not in item
    assert endpoint.paths == ["/api/1/item/"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"access_token": "t", "enviroment": "x"},
            "`enviroment` is no keyword of rollbar.init. Did you mean `environment`?",
        ),
        (
            {"environment": "x"},
            "`access_token` is missing: give it in error_reporter['rollbar'], or in the site's setting",
        ),
        ({"access_token": "t", "handler": "twisted"}, "The handler 'twisted' cannot send from a cluster: 'thread',"),
    ],
)
@pytest.mark.usefixtures("library")
def test_what_rollbar_would_pass_over_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        RollbarReporter(**given)


def test_the_configuration_of_the_site_is_taken_where_none_is_given(run: Run, endpoint: Endpoint) -> None:
    run("""
        own = {"access_token": "t", "endpoint": URL, "patch_debugview": False, "environment": "web"}
        settings.configure(ROLLBAR=own)
        from djq_rollbar.reporter import RollbarReporter
        reporter = RollbarReporter(handler="blocking")
        reporter.report((ValueError, ValueError("odd"), None), None, "scheduler")
    """)
    assert [(item["environment"], item["custom"]) for item in endpoint.items] == [
        ("web", {"djq": {"where": "scheduler"}})
    ]


def test_a_library_that_the_site_has_initialised_is_used_as_it_is(run: Run, endpoint: Endpoint) -> None:
    told = run("""
        settings.configure()
        import rollbar
        rollbar.init("site", "of-the-site", endpoint=URL, handler="blocking")
        rollbar.BASE_DATA_HOOK = lambda request, data: data.update(person={"id": "me"})
        before = dict(rollbar.SETTINGS)
        from djq_rollbar.reporter import RollbarReporter
        reporter = RollbarReporter(access_token="another", environment="other", handler="thread")
        assert rollbar.SETTINGS == before
        reporter.report((ValueError, ValueError("odd"), None), {"id": "1", "func": "a.b"}, "worker")
        print("done")
    """)
    (item,) = endpoint.items
    assert told == "done"
    assert (item["environment"], item["person"]) == ("of-the-site", {"id": "me"})
    assert item["custom"]["djq"]["where"] == "worker"


def test_a_fork_waits_for_no_thread_of_its_parent(run: Run, endpoint: Endpoint) -> None:
    """The first report is sent before: a fork in the middle of an import leaves the child without that module."""
    endpoint.delay = 1.0
    seconds = run("""
        import time, warnings
        warnings.simplefilter("ignore")
        settings.configure()
        from djq_rollbar.reporter import RollbarReporter
        reporter = RollbarReporter(access_token="t", endpoint=URL)
        reporter.report((ValueError, ValueError("first"), None))
        reporter.flush(5)
        reporter.report((ValueError, ValueError("parent"), None))
        pid = os.fork()
        if not pid:
            began = time.monotonic()
            reporter.flush(5)
            print(round(time.monotonic() - began, 1), flush=True)
            reporter.report((ValueError, ValueError("child"), None))
            reporter.flush(5)
            os._exit(0)
        os.waitpid(pid, 0)
        reporter.flush(5)
    """)
    assert float(seconds) < 2.5
    assert sorted(error_of(item)["message"] for item in endpoint.items) == ["child", "first", "parent"]


def test_a_flush_takes_no_longer_than_it_may(run: Run, endpoint: Endpoint) -> None:
    endpoint.delay = 2.0
    seconds = run("""
        import time
        settings.configure()
        from djq_rollbar.reporter import RollbarReporter
        reporter = RollbarReporter(access_token="t", endpoint=URL, timeout=1)
        reporter.report((ValueError, ValueError("slow"), None))
        began = time.monotonic()
        reporter.flush(0.3)
        print(time.monotonic() - began)
    """)
    assert 0.2 < float(seconds) < 1.8


def test_the_library_is_imported_by_those_who_use_it(run: Run) -> None:
    told = run("""
        settings.configure(INSTALLED_APPS=["djq_core"], SECRET_KEY="k", Q_CLUSTER={"orm": "default"})
        django.setup()
        from djq_core.plugins import discover
        from djq_core.current import app_config
        registry = discover(app_config().conf)
        print(json.dumps([sorted(registry.error_reporters), "rollbar" in sys.modules]))
    """)
    names, is_imported = json.loads(told)
    assert "rollbar" in names
    assert not is_imported
