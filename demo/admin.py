"""Serve the demo's admin on this machine, with an account that is made for it.

python admin.py [PORT]
"""

from __future__ import annotations

import os
import sys

ADDRESS = "127.0.0.1"
NAME = PASSWORD = "demo"


def main() -> None:
    """Make the account, print how to log in, and serve until Ctrl-C."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_site.settings")

    import django

    django.setup()

    from django.conf import settings
    from django.core.management import call_command

    settings.VAR.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    make_account()
    port = sys.argv[1] if len(sys.argv) > 1 else "8000"
    print(f"\n  http://{ADDRESS}:{port}/admin/   user: {NAME}   password: {PASSWORD}   (Ctrl-C ends it)\n", flush=True)
    call_command("runserver", f"{ADDRESS}:{port}", use_reloader=False)


def make_account() -> None:
    """Make the administrator's account unless it is there."""
    from django.contrib.auth.models import User

    if not User.objects.filter(username=NAME).exists():
        User.objects.create_superuser(NAME, password=PASSWORD)


if __name__ == "__main__":
    main()
