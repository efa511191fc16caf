"""The runs, to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from django.contrib import admin

from indexer.models import IndexRun

if TYPE_CHECKING:
    Base: TypeAlias = admin.ModelAdmin[IndexRun]
else:
    Base = admin.ModelAdmin


@admin.register(IndexRun)
class IndexRunAdmin(Base):
    """A list of the runs with their reports."""

    list_display = ("started", "folder", "files", "finished")
    readonly_fields = ("group", "folder", "files", "started", "finished", "report")
