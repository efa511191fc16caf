"""S6: the list of allowed functions holds for functions, hooks, schedules and resubmits, and again in the worker."""

from __future__ import annotations

import os  # what a module imports is not its own
import socket
from collections.abc import Iterator
from os import system
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client, override_settings
from django.utils import timezone

from djq_core import current
from djq_core.cluster.channels import Channel
from djq_core.cluster.executor import Executor, Tools
from djq_core.cluster.keeper import Keeper
from djq_core.cluster.scheduler import Scheduler
from djq_core.enqueue import enqueue
from djq_core.exceptions import FunctionNotAllowed
from djq_core.models import Failure, Schedule, Task
from djq_core.runtime import Runtime
from djq_core.tasks import async_chain, async_iter, async_task, schedule
from tests.harness.fixtures import MakeSite
from tests.harness.names import TASKS
from tests.making import MemoryBroker, package_of, result_of, runtime_of

pytestmark = pytest.mark.security

HERE = __name__
#: What whoever can name a function would name.
WANTED = [
    "os.system",
    "subprocess.run",
    "subprocess.check_output",
    "builtins.eval",
    f"{HERE}.os.system",
    f"{HERE}.Path.unlink",
    f"{HERE}.work.__globals__.get",
    f"{HERE}._private",
]
ALLOWED = [f"{HERE}.*", "math.pow"]
#: Both can be reached through this module.
IMPORTED = (os.system, system)


def work(*args: Any) -> str:
    return "worked"


def _private(*args: Any) -> str:
    return "not for others"


@pytest.fixture
def site(db: None) -> Iterator[None]:
    cache.clear()
    with override_settings(Q_CLUSTER={"orm": "default", "allowed_functions": ALLOWED}):
        yield


def queue_size() -> int:
    return current.runtime().broker().queue_size()


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("path", WANTED)
def test_s6_nothing_else_is_sent(path: str) -> None:
    for send in (
        lambda: async_task(path, "x"),
        lambda: async_task(work, hook=path),
        lambda: async_task(path, sync=True),
        lambda: async_iter(path, [1, 2]),
        lambda: async_chain([(work,), (path,)]),
        lambda: schedule(path, "x"),
        lambda: schedule(f"{HERE}.work", hook=path),
    ):
        with pytest.raises(FunctionNotAllowed, match="is not allowed here: `allowed_functions`"):
            send()
    assert (queue_size(), Schedule.objects.count()) == (0, 0)


@pytest.mark.usefixtures("site")
def test_s6_what_has_no_path_is_not_sent_and_what_is_on_the_list_is() -> None:
    with pytest.raises(FunctionNotAllowed, match="has no dotted path"):
        async_task(Path("x").joinpath, "y")
    async_task(work, hook=work)
    async_chain([(work,), ("math.pow", (2, 3))])
    schedule(f"{HERE}.work", hook=f"{HERE}.work")
    assert (queue_size(), Schedule.objects.count()) == (2, 1)


@pytest.mark.usefixtures("site")
def test_s6_nothing_else_is_put_back_or_scheduled_in_the_admin() -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    now = timezone.now()
    task = Task.objects.create(
        id="f" * 32, name="n", func="os.system", args=("x",), kwargs={}, success=False, started=now, stopped=now
    )
    asked = {"action": "resubmit_tasks", "_selected_action": [task.pk]}
    answer = client.post("/admin/djq_core/failure/", asked, follow=True).content.decode()
    assert "is not allowed here" in answer
    form = {"schedule_type": "H", "repeats": "-1", "next_run_0": "2026-01-02", "next_run_1": "03:04:05"}
    for fields in ({"func": "os.system"}, {"func": f"{HERE}.work", "hook": "os.system"}):
        answer = client.post("/admin/djq_core/schedule/add/", {**form, **fields}).content.decode()
        assert "“os.system” is not on the list of functions that may run here" in answer
    assert (queue_size(), Schedule.objects.count(), Failure.objects.count()) == (0, 0, 1)


@pytest.mark.django_db
def test_s6_a_row_that_was_changed_in_the_table_is_not_sent() -> None:
    runtime = runtime_of(allowed_functions=ALLOWED)
    for func, hook in (("os.system", None), ("math.pow", "os.system"), ("math.pow", None)):
        Schedule.objects.create(func=func, hook=hook, args="2, 3", next_run=timezone.now(), schedule_type="H")
    _look(runtime)
    broker = runtime.shared_broker()
    assert isinstance(broker, MemoryBroker)
    assert len(broker.queue) == 1


def _look(runtime: Runtime) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        scheduler = Scheduler("s", runtime, Channel(theirs))
        while not scheduler.look():
            continue


# Where it is run: the sender has no such list


def told(runtime: Runtime, func: str, *args: Any, **fields: Any) -> str:
    package = package_of(runtime_of(), func, args, **fields)
    outcome = Executor(Tools.of(runtime, lambda: None)).execute(package)
    return str(runtime.load(outcome.serializer, outcome.result))


@pytest.mark.parametrize("path", [*WANTED, f"{HERE}.system"])
def test_s6_nothing_else_is_run(path: str, tmp_path: Path) -> None:
    reason = told(runtime_of(allowed_functions=ALLOWED), path, f"touch {tmp_path / 'ran'}")
    assert reason.startswith("FunctionNotAllowed: ")
    assert list(tmp_path.iterdir()) == []


def test_s6_a_function_that_is_sent_as_itself_is_not_even_loaded() -> None:
    runtime = runtime_of(allowed_functions=ALLOWED)
    parts = {"args": runtime.dump(()), "kwargs": runtime.dump({}), "func": b"no pickle: loading it would raise"}
    assert "has no dotted path" in told(runtime, f"{HERE}.work", parts=parts)


def test_s6_what_is_on_the_list_is_run() -> None:
    assert told(runtime_of(allowed_functions=ALLOWED), f"{HERE}.work") == "worked"
    assert told(runtime_of(allowed_functions=ALLOWED), "math.pow", 2, 3) == "8.0"
    assert told(runtime_of(allowed_functions=[f"{HERE}.system"]), f"{HERE}.system", "true") == "0"


@pytest.mark.parametrize("hook", ["os.system", f"{HERE}.system", f"{HERE}.os.system"])
def test_s6_no_other_hook_is_called(hook: str, caplog: pytest.LogCaptureFixture) -> None:
    runtime = runtime_of(allowed_functions=ALLOWED)
    Keeper(runtime).call_hook(result_of(runtime, package_of(runtime, hook=hook)))
    assert "FunctionNotAllowed" in caplog.text


def test_s6_a_next_link_is_looked_at_before_it_is_sent() -> None:
    runtime = runtime_of(allowed_functions=ALLOWED)
    with pytest.raises(FunctionNotAllowed):
        enqueue(runtime, package_of(runtime, chain=(package_of(runtime, "os.system"),)))


def test_s6_a_cluster_keeps_to_its_list_whoever_sends(make_site: MakeSite) -> None:
    strict = {"workers": 1, "allowed_functions": [f"{TASKS}.mark"]}
    site = make_site(q_cluster={"max_attempts": 1, "ALT_CLUSTERS": {"strict": strict}})
    mark = site.folder / "ran"
    shell = f"touch {mark}"
    site.call("enqueue_plain", "os.system", shell, cluster="strict", task_name="shell")
    site.call("enqueue_plain", f"{TASKS}.os.system", shell, cluster="strict", task_name="traversal")
    site.call("enqueue", "mark", "good", cluster="strict", hook="os.system")
    with site.cluster("-n", "strict") as cluster:
        site.wait_counts(1, failures=2)
        for name in ("shell", "traversal"):
            assert site.row(name)["result"].startswith("FunctionNotAllowed: The function ")
        cluster.wait_for(r"FunctionNotAllowed: The hook 'os\.system'", 5)
        assert cluster.stop() == 0
    assert not mark.exists()
