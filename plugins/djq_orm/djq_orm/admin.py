"""The page "Queued tasks" (manual 1.11.4)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Case, QuerySet, When
from django.db.models.functions import Length
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from djq_core import current
from djq_core.admin.bounded import BoundedAdmin, BoundedList, RecentValues
from djq_core.admin.shown import block
from djq_core.brokers.leases import Lease
from djq_orm.broker import OrmBroker
from djq_orm.contents import read_task
from djq_orm.models import OrmQ
from djq_orm.stores import store_for

#: Longer packages, in characters, are not read where many are listed, and not sent back and forth to be edited.
LISTED: Final = 50_000
EDITED: Final = 500_000


class QueueList(BoundedList):
    """A list that leaves long packages in the database."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the packages of the rows that are shown."""
        super().get_results(request)
        rows: Any = self.result_list
        short = Case(When(size__lte=LISTED, then="payload"))
        rows = rows.annotate(size=Length("payload"), listed=short)
        self.result_list = rows if "payload" in self.list_display else rows.defer("payload")
        for row in self.result_list:
            told = {"error": _("Too long for a list: its own page shows it.")}
            row.task = told if row.listed is None else read_task(row.key, row.listed)


class QueueAdmin(BoundedAdmin):
    """What is on the queue, of every cluster that shares the table, in the order in which it is handed out.

    Emptying ``lock`` frees a package: it is delivered again at once, and the answer of whoever held it counts no more.
    """

    list_display: Any = ("id", "key", "name", "group", "func", "lock", "deliveries", "task_id")
    leading: ClassVar = ("id", "name")
    list_filter: ClassVar[Any] = (("key", RecentValues),)
    ordering: ClassVar[Any] = ("key", "due", "id")
    sortable_by: ClassVar[Any] = ()
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("key", "lock", "deliveries", "payload")}),
        (_("The task"), {"fields": ("task_id", "name", "func", "group", "q_options")}),
    )
    readonly_fields: ClassVar[Any] = ("task_id", "name", "func", "group", "q_options", "deliveries")

    @admin.display(description=_("task id"))
    def task_id(self, row: OrmQ) -> str:
        """Show the task's id."""
        return row.task_id()

    @admin.display(description=_("name"))
    def name(self, row: OrmQ) -> str:
        """Show the task's name, or why the package cannot be read."""
        return row.name()

    @admin.display(description=_("function"))
    def func(self, row: OrmQ) -> str:
        """Show the path of the function."""
        return row.func()

    @admin.display(description=_("group"))
    def group(self, row: OrmQ) -> str:
        """Show the task's group."""
        return row.group() or "-"

    @admin.display(description=_("options"))
    def q_options(self, row: OrmQ) -> str:
        """Show the options the task was sent with."""
        return block(row.q_options())

    @admin.display(description=_("payload"))
    def shown_payload(self, row: OrmQ) -> str:
        """Show the beginning of a package that is too long for a form."""
        return block(row.payload)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that leaves long packages in the database."""
        return QueueList

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show a long package, which Django would refuse to take back, without a field to edit it."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or len(obj.payload) <= EDITED:
            return fieldsets
        return [(title, {**each, "fields": _unedited(each["fields"])}) for title, each in fieldsets]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Let nobody edit what stands for a long package."""
        return (*super().get_readonly_fields(request, obj), "shown_payload")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse: packages are signed where tasks are sent."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrmQ]:
        """Return the rows of the database that holds the queue."""
        return super().get_queryset(request).using(_database())

    def save_model(self, request: HttpRequest, obj: OrmQ, form: object, change: bool) -> None:
        """Write the edited columns; free the package when its lock was emptied."""
        store = store_for(_database())
        if obj.lock is None and obj.token is not None:
            store.release(obj.key, [Lease(str(obj.pk), obj.token)], 0.0, counted=True)
        store.rows.filter(pk=obj.pk).update(key=obj.key, payload=obj.payload, lock=obj.lock)

    def delete_model(self, request: HttpRequest, obj: OrmQ) -> None:
        """Delete from the database that holds the queue."""
        obj.delete(using=_database())


def is_configured() -> bool:
    """Return whether the configured broker is this one; a configuration that cannot be used is for the checks."""
    try:
        return issubclass(current.runtime().broker_class, OrmBroker)
    except (ImproperlyConfigured, LookupError):
        return False


def _unedited(names: Any) -> list[Any]:
    return ["shown_payload" if name == "payload" else name for name in names]


def _database() -> str:
    return current.runtime().shared_broker().database or DEFAULT_DB_ALIAS


if is_configured():
    admin.site.register(OrmQ, QueueAdmin)
