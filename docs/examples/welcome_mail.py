"""A mail is sent by the cluster now, and another one later (manual 1.15.1).

Run it: python welcome_mail.py
"""

from __future__ import annotations

from datetime import timedelta

import example_site

example_site.set_up()

from django.contrib.auth.models import User
from django.utils import timezone

from djq_core.models import Schedule
from djq_core.tasks import async_task, schedule


def welcome(user: User, *, follow_up: timedelta = timedelta(hours=1)) -> None:
    """Send a mail at once and tips later; a schedule that runs once deletes itself."""
    async_task("django.core.mail.send_mail", "Welcome", "It is good to have you.", "from@example.com", [user.email])
    schedule(
        "django.core.mail.send_mail",
        "Tips",
        "Here are some things to try first.",
        "from@example.com",
        [user.email],
        schedule_type=Schedule.ONCE,
        next_run=timezone.now() + follow_up,
    )


def main() -> None:
    """Welcome a user, with tips after two seconds."""
    example_site.begin()
    user, _ = User.objects.get_or_create(username="grace", email="grace@example.com")
    welcome(user, follow_up=timedelta(seconds=2))
    with example_site.cluster():
        example_site.wait_for(lambda: len(example_site.mails()) == 2)
        example_site.wait_for(lambda: not Schedule.objects.exists())
    example_site.print_mails()


if __name__ == "__main__":
    main()
