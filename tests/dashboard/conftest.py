"""People who look at the dashboard, and something to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import caches
from django.test import Client

ADDRESS = "/admin/djq_core/dashboard/"
LogIn = Callable[..., Client]


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Let no test see the statistics of another."""
    caches["default"].clear()
    yield
    caches["default"].clear()


@pytest.fixture
def log_in(db: None) -> LogIn:
    """Log somebody in: a superuser, or somebody of the staff with these permissions; CSRF is checked."""

    def log_in(*permissions: str, is_superuser: bool = False) -> Client:
        user = User.objects.create(username="-".join(permissions) or "u", is_staff=True, is_superuser=is_superuser)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def client(log_in: LogIn) -> Client:
    """A superuser."""
    return log_in(is_superuser=True)
