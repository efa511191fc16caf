"""Every page and action of the admin, driven in a browser on real data (manual 1.11)."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Permission, User
from django.db.models import CharField, TextField
from django.test import override_settings
from django.utils import timezone

from djq_core import current
from djq_core.models import Failure, Schedule, Success, Task
from djq_core.tasks import async_task
from djq_orm.models import OrmQ
from tests.services.browsing import IN_ONE_WORKER, Keep
from tests.services.live import LiveSite

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = IN_ONE_WORKER

TRAP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
CORE = "/admin/djq_core/"
QUEUE = "/admin/djq_orm/ormq/"


class Spoken:
    """A value whose text is a trap."""

    def __str__(self) -> str:
        return TRAP

    __repr__ = __str__


def run(*tasks: tuple[Any, ...], **options: Any) -> list[str]:
    """Run tasks here and now and return their ids."""
    with override_settings(Q_CLUSTER={"orm": "default", "sync": True}):
        return [async_task(*task, **options) for task in tasks]


def populate() -> None:
    """Do what a site does."""
    run(("math.copysign", 2, -2), ("math.hypot", 3, 4), ("math.floor", 2.5), group="geometry")
    run(("math.pow", 2, 10), ("math.factorial", 20), group="nightly")
    run(("json.loads", "{"), ("math.factorial", -3), group="geometry")
    last, failed = Success.objects.latest("stopped").pk, Failure.objects.latest("stopped").pk
    Schedule.objects.create(name="nightly", func="math.pow", args="2, 10", schedule_type="D", task=last)
    Schedule.objects.create(
        name="geometry", func="math.factorial", args="-3", schedule_type="H", repeats=24, task=failed
    )
    Schedule.objects.create(name="resting", func="math.floor", args="2.5", schedule_type="W", repeats=0)
    async_task("math.sqrt", 9, task_name="taken")
    current.runtime().broker().receive(1, 0)
    async_task("math.copysign", 2, -2, task_name="waiting", group="geometry", hook="hooks.done")


def act(page: Page, action: str, *rows: str) -> str:
    """Choose rows of a list by a text in them, run an action on them, and return what the page says then."""
    for row in rows:
        page.get_by_role("row").filter(has_text=row).get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option(label=action)
    press(page, page.locator(".actions button[name=index]"))
    return said(page)


def press(page: Page, what: Locator) -> None:
    """Click, and wait for the page that comes."""
    with page.expect_navigation():
        what.click()


def columns(page: Page) -> list[str]:
    """Return the heads of a list."""
    texts = (text.strip() for text in page.locator("#result_list thead .text").all_inner_texts())
    return [text for text in texts if text]


def said(page: Page) -> str:
    return page.locator(".messagelist").inner_text()


def test_lists_in_light_and_dark(page: Page, keep: Keep) -> None:
    populate()
    page.goto(f"{CORE}success/")
    assert columns(page) == [
        "NAME",
        "FUNCTION",
        "STARTED",
        "STOPPED",
        "TIME TAKEN",
        "GROUP",
    ]
    assert page.locator("#result_list tbody tr").count() == 5
    keep(page, "successes")
    press(page, page.get_by_role("link", name="geometry").first)
    assert page.locator("#result_list tbody tr").count() == 3
    page.get_by_role("textbox", name="group").fill("nightly")
    press(page, page.get_by_role("button", name="Filter"))
    assert page.locator("#result_list tbody tr").count() == 2
    page.locator("#searchbar").fill("factorial")
    press(page, page.get_by_role("button", name="Search"))
    assert page.locator("#result_list tbody tr").count() == 1
    keep(page, "successes-found")
    page.emulate_media(color_scheme="dark")
    page.goto(QUEUE)
    keep(page, "queue-dark")
    page.goto(f"{CORE}failure/")
    assert columns(page) == ["NAME", "FUNCTION", "STARTED", "STOPPED", "ATTEMPTS", "GROUP"]
    assert page.locator("#result_list tbody tr").count() == 2
    keep(page, "failures-dark")
    page.goto(f"{CORE}schedule/")
    assert columns(page)[:6] == ["ID", "NAME", "FUNCTION", "SCHEDULE TYPE", "REPEATS", "CLUSTER"]
    assert columns(page)[6:] == ["NEXT RUN", "LAST RUN", "SUCCESS"]
    cells = page.get_by_role("row").filter(has_text="geometry").locator("td, th").all_inner_texts()
    assert [text for text in cells if text][1:5] == ["geometry", "math.factorial", "Hourly", "24"]
    keep(page, "schedules-dark")


def test_long_names_hide_no_column(page: Page, keep: Keep) -> None:
    populate()
    Task.objects.filter(func="math.hypot").update(name="x" * 100, group="y" * 100)
    Task.objects.filter(func="math.floor").update(func=f"shop.{'z' * 200}")
    page.goto(f"{CORE}success/")
    keep(page, "successes-with-long-names")
    widths = page.locator("#result_list thead th").evaluate_all("heads => heads.map(head => head.offsetWidth)")
    assert max(widths) < 250


def test_a_failure_is_read_and_goes_back_on_the_queue(page: Page, keep: Keep) -> None:
    populate()
    failed = Failure.objects.get(func="json.loads")
    page.goto(f"{CORE}failure/")
    press(page, page.get_by_role("link", name=failed.name))
    assert "Traceback" in page.locator("pre", has_text="JSONDecodeError").inner_text()
    assert page.get_by_role("link", name="geometry").count() == 2, "of its group and of its schedule"
    assert page.get_by_role("button", name="Save").count() == 0
    keep(page, "failure")
    page.emulate_media(color_scheme="dark")
    keep(page, "failure-dark")
    press(page, page.get_by_role("button", name="Resubmit"))
    assert said(page) == "1 task was put back on the queue."
    assert [task.func for task in Failure.objects.all()] == ["math.factorial"]
    keep(page, "failures-resubmitted")
    assert act(page, "Resubmit selected tasks to the queue", "math.factorial") == "1 task was put back on the queue."
    assert not Failure.objects.exists()
    page.goto(QUEUE)
    assert page.locator("#result_list tbody tr").count() == 4


def test_a_success_goes_back_on_the_queue_and_stays(page: Page, keep: Keep) -> None:
    populate()
    page.goto(f"{CORE}success/")
    text = act(page, "Resubmit selected tasks to the queue", "math.hypot", "math.copysign")
    assert text == "2 tasks were put back on the queue."
    assert (Success.objects.count(), OrmQ.objects.count()) == (5, 4)
    press(page, page.get_by_role("row").filter(has_text="math.hypot").get_by_role("link").first)
    keep(page, "success")
    press(page, page.locator(".deletelink"))
    keep(page, "success-delete")
    press(page, page.get_by_role("button", name="Yes, I"))
    assert "was deleted successfully" in said(page)
    assert Success.objects.count() == 4


def test_a_schedule_is_refused_explained_made_run_and_paused(page: Page, keep: Keep) -> None:
    page.goto(f"{CORE}schedule/add/")
    fields = {"func": "maths.pow", "hook": "done", "args": "2, x", "kwargs": "y", "cron": "5 4 * * * *"}
    for name, value in {**fields, "name": "powers", "intended_date_kwarg": "at once"}.items():
        page.locator(f"#id_{name}").fill(value)
    page.locator("#id_schedule_type").select_option(label="Cron")
    press(page, page.get_by_role("button", name="Save", exact=True))
    keep(page, "schedule-refused")
    assert page.locator(".errorlist").all_inner_texts() == [
        "There is no function “maths.pow” here. Is it spelled right?",
        "“done” is no dotted path: write package.module.function.",
        "'x' is not a Python literal. A text stands in quotes: 'x'.",
        "The keyword arguments 'y' must have the form name=value.",
        "The cron expression '5 4 * * * *' needs 5 fields, not 6: minute, hour, day, month, weekday.",
        "“at once” cannot be the name of a keyword argument.",
    ]
    fields = {"func": "math.pow", "hook": "", "args": "2, 10", "kwargs": "", "cron": "5 4 * * *", "repeats": "3"}
    for name, value in {**fields, "intended_date_kwarg": ""}.items():
        page.locator(f"#id_{name}").fill(value)
    press(page, page.get_by_role("button", name="Save and continue editing"))
    assert "was added successfully" in said(page)
    assert page.locator("ol.djq-runs li").count() == 3
    keep(page, "schedule")
    press(page, page.get_by_role("button", name="Run now"))
    assert said(page) == "1 task was put on the queue."
    assert OrmQ.objects.get().task["func"] == "math.pow"
    assert act(page, "Pause selected schedules", "powers") == "1 schedule was paused."
    press(page, page.get_by_role("link", name="powers"))
    assert page.get_by_text("None: it is paused, or has run out.").is_visible()
    page.emulate_media(color_scheme="dark")
    keep(page, "schedule-paused-dark")
    press(page, page.get_by_role("button", name="Resume"))
    assert said(page) == "1 schedule runs again."
    schedule = Schedule.objects.get()
    assert schedule.repeats == 3
    assert schedule.next_run is not None
    assert timezone.now() < schedule.next_run < timezone.now() + datetime.timedelta(days=1)


def test_a_queued_task_is_freed_and_deleted(page: Page, keep: Keep) -> None:
    populate()
    page.goto(QUEUE)
    assert columns(page) == [
        "ID",
        "QUEUE",
        "NAME",
        "GROUP",
        "FUNCTION",
        "LOCK",
        "DELIVERIES",
        "TASK ID",
    ]
    held = OrmQ.objects.get(lock__isnull=False)
    press(page, page.get_by_role("link", name=held.name()))
    keep(page, "queued")
    page.locator("#id_lock_0").fill("")
    page.locator("#id_lock_1").fill("")
    press(page, page.get_by_role("button", name="Save", exact=True))
    assert "was changed successfully" in said(page)
    assert not OrmQ.objects.filter(lock__isnull=False).exists()
    act_on = page.get_by_role("row").filter(has_text="taken")
    act_on.get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option(label="Delete selected Queued tasks")
    press(page, page.locator(".actions button[name=index]"))
    press(page, page.get_by_role("button", name="Yes, I"))
    assert [row.name() for row in OrmQ.objects.all()] == ["waiting"]


def trapped() -> list[str]:
    """Make rows with a trap in every text and value, and return their pages."""
    now = timezone.now()

    def texts(model: type[Task] | type[Schedule]) -> dict[str, str]:
        fields = (field for field in model._meta.local_fields if isinstance(field, CharField | TextField))
        free = (field for field in fields if not field.primary_key and not field.choices)
        return {field.name: TRAP[: field.max_length] for field in free}

    pages = []
    for number, success in enumerate((True, False)):
        values = {"args": (Spoken(),), "kwargs": {TRAP: Spoken()}, "result": Spoken() if success else TRAP}
        task = Task.objects.create(
            id=f"{number:032x}", success=success, started=now, stopped=now, **{**texts(Task), **values}
        )
        pages.append(f"{CORE}{'success' if success else 'failure'}/{task.pk}/")
    own = {**texts(Schedule), "task": task.pk, "declared": None, "slot": "", "holder": None}
    pages.append(f"{CORE}schedule/{Schedule.objects.create(schedule_type='H', **own).pk}/")
    pages.append(f"{QUEUE}{OrmQ.objects.create(key=TRAP, payload=TRAP).pk}/")
    return pages


def test_scripts_are_shown_as_text_on_every_page(page: Page, keep: Keep) -> None:
    for path in trapped():
        name = path.split("/")[3]
        page.goto(path.rsplit("/", 2)[0] + "/")
        assert page.get_by_text("<script>alert(1)").count() > 0
        keep(page, f"{name}-list-with-scripts")
        for action in ("change", "delete", "history"):
            page.goto(f"{path}{action}/")
            assert page.locator("#content, #content-main").first.is_visible()
        page.goto(f"{path}change/")
        assert TRAP[:25] in page.locator("#content").inner_html().replace("&lt;", "<").replace("&gt;", ">")
        assert page.locator("#content img[src=x]").count() == 0
        keep(page, f"{name}-with-scripts")
        if page.get_by_role("button", name="Resubmit").count():
            press(page, page.get_by_role("button", name="Resubmit"))
            assert "was not put back on the queue" in said(page)
        if page.get_by_role("button", name="Run now").count():
            press(page, page.get_by_role("button", name="Run now"))
            assert TRAP[:25] in said(page)


def test_who_may_only_look_is_offered_nothing_else(page: Page, live_site: LiveSite, keep: Keep) -> None:
    populate()
    guest = User.objects.create_user("guest", is_staff=True)
    guest.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    page.context.add_cookies([{"name": "sessionid", "value": live_site.session_of(guest), "url": live_site.url}])
    page.goto(f"{CORE}failure/")
    assert page.locator("#result_list tbody tr").count() == 2
    assert page.get_by_label("Action:").count() == 0
    page.goto(f"{CORE}schedule/{Schedule.objects.all()[0].pk}/change/")
    assert page.get_by_role("button", name="Run now").count() == 0
    assert page.locator("ol.djq-runs li").count() == 10
    keep(page, "schedule-of-a-guest")
