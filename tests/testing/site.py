"""A site with tests of its own, which pytest runs as its author would."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SETTINGS = """
from pathlib import Path

FOLDER = Path(__file__).parent
SECRET_KEY = "the key of a site that tests its tasks"
USE_TZ = True
INSTALLED_APPS = ["djq_core", "djq_orm"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "site.sqlite3",
        "OPTIONS": {{"transaction_mode": "IMMEDIATE", "timeout": 20}},
        "TEST": {{"NAME": {test_name}}},
    }}
}}
Q_CLUSTER = {{"name": "site", "orm": "default", "retry": 20, "sync": True}}
"""
INI = """
[pytest]
django_find_project = false
pythonpath = . {root}
addopts = --ds=site_settings -p no:randomly -p no:cacheprovider -p no:xdist
filterwarnings =
    error
    ignore:This process .* is multi-threaded, use of fork:DeprecationWarning
"""
TASKS = """
import os
import time

from djq_core.tasks import async_task


def double(number):
    return 2 * number


def whose_process():
    return os.getpid()


def nap(seconds):
    time.sleep(seconds)


def count_down(number):
    if number:
        async_task(count_down, number - 1)
"""
#: Where the site's tests keep their database.
IN_A_FILE = 'FOLDER / "test.sqlite3"'
IN_MEMORY = "None"


def run_tests(pytester: pytest.Pytester, tests: str, *args: str, test_name: str = IN_A_FILE) -> pytest.RunResult:
    """Run the tests of a site in a process of its own."""
    folder = Path(pytester.path)
    folder.joinpath("site_settings.py").write_text(SETTINGS.format(test_name=test_name))
    folder.joinpath("site_tasks.py").write_text(TASKS)
    pytester.makefile(".ini", pytest=INI.format(root=ROOT))
    pytester.makepyfile(test_site=tests)
    return pytester.runpytest_subprocess(*args, timeout=110)
