"""A model's signal starts a task: when an address changes, everyone else is told (manual 1.15.2).

Run it: python model_signals.py
"""

from __future__ import annotations

from typing import Any

import example_site

example_site.set_up()

from django.contrib.auth.models import User
from django.db.models.signals import pre_save
from django.dispatch import receiver

from djq_core.tasks import async_task


@receiver(pre_save, sender=User, dispatch_uid="email_changed")
def email_changed(instance: User, **_: Any) -> None:
    """Tell everyone else of a new address; saving a user waits for none of it."""
    before = User.objects.filter(pk=instance.pk).first()
    if before and before.email != instance.email:
        async_task("model_signals.inform_everyone", instance.pk, instance.email)


def inform_everyone(pk: int, email: str) -> None:
    """Send each other user a mail, each as a task of its own."""
    user = User.objects.get(pk=pk)
    for other in User.objects.exclude(pk=pk):
        text = f"Dear {other.username}, {user.username} can be reached at {email} from now on."
        async_task("django.core.mail.send_mail", "A new address", text, "from@example.com", [other.email])


def main() -> None:
    """Let one of three people move."""
    example_site.begin()
    User.objects.all().delete()
    grace, _, _ = (
        User.objects.create(username=name, email=f"{name}@example.com") for name in ("grace", "edsger", "barbara")
    )
    with example_site.cluster():
        grace.email = "grace@example.org"
        grace.save()
        example_site.wait_for(lambda: len(example_site.mails()) == 2)
    example_site.print_mails()


if __name__ == "__main__":
    main()
