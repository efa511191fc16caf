"""What every example needs: Django set up, tables, a cluster beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import django

FOLDER = Path(__file__).parent
#: Seconds that an example waits for what a cluster is to do.
PATIENCE = 60.0


def set_up() -> None:
    """Set Django up; imports of models and tasks come after it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_settings")
    django.setup()


def begin() -> None:
    """Make the tables, without what a run before has left in them, and forget its mails."""
    from django.conf import settings
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)
    call_command("flush", interactive=False, verbosity=0)
    for path in Path(settings.EMAIL_FILE_PATH).glob("*.log"):
        path.unlink()


@contextmanager
def cluster() -> Iterator[None]:
    """Run ``qcluster`` beside the block, as a site would in a second terminal."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that a terminated example still stops its cluster
    process = subprocess.Popen([sys.executable, "-m", "django", "qcluster"], cwd=FOLDER)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something is so; raise TimeoutError when it is not in time."""
    until = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError("The cluster did not do it in time.")
        time.sleep(0.1)


def mails() -> list[EmailMessage]:
    """Return the mails that were sent, the oldest first."""
    from django.conf import settings

    files = sorted(Path(settings.EMAIL_FILE_PATH).glob("*.log"), key=lambda path: path.stat().st_mtime_ns)
    texts = [text for path in files for text in path.read_bytes().split(b"-" * 79 + b"\n") if text.strip()]
    return [message_from_bytes(text.lstrip(), policy=policy.default) for text in texts]


def print_mails() -> None:
    """Print who got what."""
    for mail in mails():
        print(f"To {mail['To']}: {mail['Subject']} - {mail.get_content().strip()}")
