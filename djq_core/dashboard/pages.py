"""The pages of the dashboard: the whole, the part that a browser fetches again and again, and what can be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.apps.registry import Apps
from django.contrib import admin, messages
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from djq_core import current
from djq_core.dashboard.access import Access, access_of
from djq_core.dashboard.actions import act
from djq_core.dashboard.charts import charts_of
from djq_core.monitor import Stat
from djq_core.monitor.dashboard import QueueState, read_failures, read_queues, read_schedules
from djq_core.phrases import in_words

if TYPE_CHECKING:
    from django.urls import URLPattern

    _ModelAdmin = admin.ModelAdmin["Dashboard"]
else:
    _ModelAdmin = admin.ModelAdmin

#: Seconds after which an open page asks for news.
_INTERVAL: Final = 5
#: So many busy workers of a queue are named.
_MOST_WORKERS: Final = 50


class Dashboard(models.Model):
    """The place of the dashboard in the admin's index: no table, and in a registry of its own no migration either."""

    id = models.BigAutoField(primary_key=True)

    class Meta:
        app_label = "djq_core"
        apps = Apps()
        managed = False
        default_permissions: ClassVar = ()
        verbose_name = _("Dashboard")
        verbose_name_plural = _("Dashboard")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class DashboardAdmin(_ModelAdmin):
    """Shows who may see tasks or schedules what becomes of them; on another admin site, register it there.

    ``site.register(Dashboard, DashboardAdmin)``
    """

    def get_urls(self) -> list[URLPattern]:
        """Return the three addresses; the first one is also what the index of the admin links to."""
        wrapped = self.admin_site.admin_view
        return [
            path("", wrapped(self.changelist_view), name="djq_core_dashboard"),
            path("", wrapped(self.changelist_view), name="djq_core_dashboard_changelist"),
            path("live/", wrapped(self.live_view), name="djq_core_dashboard_live"),
            path("act/", wrapped(self.act_view), name="djq_core_dashboard_act"),
        ]

    # Permissions

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let in whoever sees one of its parts."""
        return access_of(self.admin_site, request).anything

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show it in the index to whoever may look at it."""
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing can be added."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing can be changed."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing can be deleted."""
        return False

    # Pages

    def changelist_view(self, request: HttpRequest, extra_context: Mapping[str, Any] | None = None) -> HttpResponse:
        """Show the dashboard."""
        access = self._access(request)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Dashboard"),
            "app_label": "djq_core",
            "app_name": current.app_config().verbose_name,
            "interval": _INTERVAL,
            **self._read(access),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/djq_core/dashboard/page.html", context)

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """Show the part that changes, for the script of the page."""
        return TemplateResponse(request, "admin/djq_core/dashboard/live.html", self._read(self._access(request)))

    def act_view(self, request: HttpRequest) -> HttpResponse:
        """Do what a button asks for, and go back to the dashboard.

        Who was logged out meanwhile comes here by GET, from the page to log in: then nothing is done.
        """
        access = self._access(request)
        if request.method == "POST":
            act(self.admin_site, request, access)
        else:
            messages.warning(request, _("Nothing was done: you were logged out. Press the button again."))
        return HttpResponseRedirect(reverse(f"{self.admin_site.name}:djq_core_dashboard"))

    def _access(self, request: HttpRequest) -> Access:
        access = access_of(self.admin_site, request)
        if not access.anything:
            raise PermissionDenied
        request.current_app = self.admin_site.name
        return access

    def _read(self, access: Access) -> dict[str, Any]:
        """Return what the templates show of what this person may see."""
        return {
            "access": access,
            "now": timezone.now(),
            "failures": read_failures() if access.failures else None,
            "schedules": read_schedules() if access.schedules else None,
            **(_clusters() if access.clusters else {}),
        }


def _clusters() -> dict[str, Any]:
    try:
        runtime = current.runtime()
    except ImproperlyConfigured as error:
        return {"configuration_trouble": in_words(error)}
    queues = read_queues(runtime)
    return {
        "queues": [_shown(queue) for queue in queues],
        "glance": _glance(queues),
        "plugins": runtime.registry.plugins,
    }


def _shown(queue: QueueState) -> dict[str, Any]:
    busy = queue.busy
    return {
        "state": queue,
        "charts": charts_of(queue.points) if any(point.held is not None for point in queue.points) else [],
        "busy": busy[:_MOST_WORKERS],
        "more_busy": max(0, len(busy) - _MOST_WORKERS),
        "idle": [(cluster, pids) for cluster in queue.clusters if (pids := _idle(cluster))],
        "points": queue.points[::-1],
    }


def _idle(cluster: Stat) -> list[int]:
    busy = {run.worker for run in cluster.running}
    return [pid for pid in cluster.workers if pid not in busy]


def _glance(queues: Sequence[QueueState]) -> dict[str, Any]:
    """Return the sums over all queues; None for what nobody knows of any."""
    seen = [queue for queue in queues if not queue.stats_trouble]
    return {
        "waiting": _sum(queue.waiting for queue in queues),
        "clusters": _sum(len(queue.clusters) for queue in seen),
        "workers": _sum(len(queue.workers) for queue in seen),
        "busy": _sum(len(queue.busy) for queue in seen),
        "per_minute": _sum(queue.per_minute for queue in queues),
    }


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
