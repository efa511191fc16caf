"""Every example of the documentation runs as it is told there, and prints what it is to print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.waiting import wait_until
from tests.services import children

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
#: Files that examples are made of and that show nothing by themselves.
PARTS = {"example_settings", "example_site", "parzen"}

PRINTED: dict[str, list[str]] = {
    "welcome_mail": ["To grace@example.com: Welcome - It is good", "To grace@example.com: Tips - Here are"],
    "model_signals": ["To edsger@.* A new address - Dear edsger, grace .*grace@example.org", "To barbara@example.com:"],
    "reports": [
        "To grace@.* quarter 3 - grace, quarter 3 was",
        "To ada@.* could not be made - ValueError: .* no quarter 5",
    ],
    "search_index": ["relay: The moth, The relay$", "relay: The relay$", "book: The moth$"],
    "shell_commands": ["cp ended with 0$", "'notes.bak', 'notes.txt'", "python ended with 0 and said 42$"],
    "parzen_group": [r"100 estimates; the best is 0\.1\d\d with"],
    "parzen_iter": [r"100 estimates; the best is 0\.1\d\d with"],
}

#: An example begins anew, whatever has run before it in the same folder.
BEGUN_TWICE = """
import example_site as site
site.set_up()
from django.contrib.auth.models import User
from django.core.mail import send_mail
site.begin()
User.objects.create(username="grace")
send_mail("An old mail", "", "from@example.com", ["grace@example.com"])
print(User.objects.count(), len(site.mails()))
site.begin()
print(User.objects.count(), len(site.mails()))
"""

#: What these print are mails, written by several workers: they come in any order.
MAILS = {"welcome_mail", "model_signals", "reports"}


@contextmanager
def running(name: str, folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Run a Python program in the folder of the examples, with its files elsewhere; give it and its output."""
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    command = [sys.executable, "-u", *words]
    log = folder / f"{name}.log"
    process = children.start(command, EXAMPLES, log, environment={**environment, "EXAMPLES_VAR": str(folder / "var")})
    try:
        yield process, log
    finally:
        children.stop(process)


def test_every_example_is_tried() -> None:
    found = {path.stem for path in EXAMPLES.glob("*.py")}
    assert found - PARTS == {*PRINTED, "health_check"}


@pytest.mark.parametrize("name", PRINTED)
def test_it_prints_what_came_of_it(name: str, tmp_path: Path) -> None:
    with running(name, tmp_path, f"{name}.py") as (process, log):
        assert process.wait(100) == 0, log.read_text()
    text = log.read_text()
    at = 0
    for pattern in PRINTED[name]:
        found = re.compile(pattern, re.MULTILINE).search(text, at)
        assert found, f"{pattern!r} is not in:\n{text[at:]}"
        at = 0 if name in MAILS else found.end()


def answer(url: str) -> tuple[int, str]:
    """Return the status and the text of a page."""
    try:
        with urllib.request.urlopen(url, timeout=10) as page:
            return page.status, page.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_health_check_tells_whether_a_cluster_is_well(tmp_path: Path) -> None:
    with running("begin", tmp_path, "-c", BEGUN_TWICE) as (process, log):
        assert process.wait(60) == 0, log.read_text()
        assert log.read_text().split() == ["1", "1", "0", "0"]
    with running("health_check", tmp_path, "health_check.py", "0") as (_, log):
        wait_until(lambda: "http://" in log.read_text(), 30, "it serves")
        url = log.read_text().split()[-1]
        assert answer(url) == (503, "0 of 0 clusters are well\n")
        with running("cluster", tmp_path, "-m", "django", "qcluster", "--settings", "example_settings") as (cluster, _):
            wait_until(lambda: answer(url) == (200, "1 of 1 clusters are well\n"), 30, lambda: str(answer(url)))
            assert children.stop(cluster, seconds=30) == 0
        wait_until(lambda: answer(url)[0] == 503, 30, lambda: str(answer(url)))
