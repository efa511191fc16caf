"""The table of what iters and chains keep until they have ended."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from djq_core.fields import SignedField
from djq_core.models.lengths import ID_LENGTH


class Part(models.Model):
    """What is kept of an iter or a chain until it has ended, and a note of its end for a day.

    Of an iter, the outcome of each part. Of a chain, without result, the link that ended it, which is final, and every
    link whose success is not kept, so that it sends the next one only once.
    A row whose two ids are one notes that an iter is done with. ``whole`` is the id of the iter or chain, ``id`` that
    of the task.
    """

    id = models.CharField(max_length=ID_LENGTH, primary_key=True)
    whole = models.CharField(max_length=ID_LENGTH)
    number = models.PositiveIntegerField(default=0)
    result = SignedField(null=True)
    stopped = models.DateTimeField()
    success = models.BooleanField()
    is_final = models.BooleanField(default=True)
    attempt_count = models.IntegerField(default=1)
    crashes = models.IntegerField(default=0)

    class Meta:
        app_label = "djq_core"
        verbose_name = _("part of a workflow")
        verbose_name_plural = _("parts of workflows")
        indexes: ClassVar = [
            models.Index(fields=["whole", "number"], name="djq_part_whole"),
            models.Index(fields=["stopped"], name="djq_part_stopped"),
        ]

    def __str__(self) -> str:
        return f"{self.whole}:{self.number}"
