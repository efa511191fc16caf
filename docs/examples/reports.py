"""A report is made by the cluster, and a hook sends it (manual 1.15.3).

Run it: python reports.py
"""

from __future__ import annotations

import example_site

example_site.set_up()

from django.contrib.auth.models import User
from django.core import mail

from djq_core.models import Task
from djq_core.tasks import async_task


def request_report(user: User, quarter: int) -> str:
    """Let a report be made; a view would call this and answer at once."""
    return async_task("reports.make_report", user, quarter, hook="reports.send_report", ack_failure=True)


def make_report(user: User, quarter: int) -> str:
    """Return the report of a quarter."""
    if not 1 <= quarter <= 4:
        raise ValueError(f"A year has no quarter {quarter}.")
    return f"{user.username}, quarter {quarter} was a good one."


def send_report(task: Task) -> None:
    """Send the report to who asked for it, or tell the admins what went wrong."""
    if task.success:
        user, quarter = task.args
        mail.send_mail(f"Your report on quarter {quarter}", task.result, "from@example.com", [user.email])
    else:
        mail.mail_admins("A report could not be made", task.result.splitlines()[0])


def main() -> None:
    """Ask for a report that can be made and for one that cannot."""
    example_site.begin()
    user, _ = User.objects.get_or_create(username="grace", email="grace@example.com")
    with example_site.cluster():
        request_report(user, 3)
        example_site.wait_for(lambda: len(example_site.mails()) == 1)
        request_report(user, 5)
        example_site.wait_for(lambda: len(example_site.mails()) == 2)
    example_site.print_mails()


if __name__ == "__main__":
    main()
