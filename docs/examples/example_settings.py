"""The settings of the site that the examples run in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

VAR = Path(os.environ.get("EXAMPLES_VAR", Path(__file__).parent / "var"))
VAR.mkdir(parents=True, exist_ok=True)

SECRET_KEY = "examples keep no secrets; your site does"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "djq_core", "djq_orm", "library"]

Q_CLUSTER: dict[str, Any] = {"name": "examples", "orm": "default", "workers": 2, "timeout": 60, "log_level": "WARNING"}

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": VAR / "examples.sqlite3",
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
        },
    }
}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": VAR / "cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},  # 300 by default, beyond which Django throws away at random
    }
}

EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = VAR / "mail"
ADMINS = [("Ada", "ada@example.com")]
