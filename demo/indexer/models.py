"""What the site itself remembers of its job."""

from __future__ import annotations

from django.db import models


class IndexRun(models.Model):
    """One run over a folder: how many files it has, and the report once all are done."""

    group = models.CharField(max_length=100, unique=True)
    folder = models.CharField(max_length=500)
    files = models.PositiveIntegerField()
    started = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True, editable=False)
    report = models.JSONField(default=dict, editable=False)

    class Meta:
        ordering = ["-started"]

    def __str__(self) -> str:
        return f"{self.files} files of {self.folder}"
