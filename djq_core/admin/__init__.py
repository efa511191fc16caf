"""The admin pages of tasks and schedules (manual 1.11).

Lists read no stored value and count to a bound: arguments and results are left in the database and are deserialized on
a task's own page. A site that wants a page to be another one registers a subclass in its place.
"""

from __future__ import annotations

from django.contrib import admin

from djq_core.admin.forms import ScheduleForm
from djq_core.admin.schedules import ScheduleAdmin
from djq_core.admin.tasks import FailAdmin, TaskAdmin
from djq_core.dashboard import Dashboard, DashboardAdmin
from djq_core.models import Failure, Schedule, Success

__all__ = ["FailAdmin", "ScheduleAdmin", "ScheduleForm", "TaskAdmin"]

admin.site.register(Success, TaskAdmin)
admin.site.register(Failure, FailAdmin)
admin.site.register(Schedule, ScheduleAdmin)
admin.site.register(Dashboard, DashboardAdmin)
