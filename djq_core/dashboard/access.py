"""Who sees and does what on the dashboard: as the admin pages of the same tables say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.admin.exceptions import NotRegistered
from django.db.models import Model

from djq_core.models import Failure, Schedule, Success

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a person sees and may do; a table that this admin site does not have is shown to nobody.

    Who sees tasks, successful or failed ones, sees the clusters, queues and plugins too.
    """

    successes: bool = False
    failures: bool = False
    schedules: bool = False
    may_resubmit: bool = False
    may_pause: bool = False

    @property
    def clusters(self) -> bool:
        """Does this person see the clusters?"""
        return self.successes or self.failures

    @property
    def anything(self) -> bool:
        """Does this person see anything at all?"""
        return self.clusters or self.schedules


def access_of(site: AdminSite, request: HttpRequest) -> Access:
    """Return what the person of this request sees and may do."""
    pages = {model: page_of(site, model) for model in (Success, Failure, Schedule)}
    sees = {model: bool(page and page.has_view_permission(request)) for model, page in pages.items()}
    changes = {model: bool(page and page.has_change_permission(request)) for model, page in pages.items()}
    return Access(
        successes=sees[Success],
        failures=sees[Failure],
        schedules=sees[Schedule],
        may_resubmit=sees[Failure] and changes[Failure],
        may_pause=sees[Schedule] and changes[Schedule],
    )


def page_of(site: AdminSite, model: type[Model]) -> ModelAdmin[Any] | None:
    """Return what this admin site has registered for a table, None for nothing."""
    try:
        return site.get_model_admin(model)
    except NotRegistered:
        return None
