"""The queue's table."""

from __future__ import annotations

from django.db import migrations, models

import djq_orm.clock


class Migration(migrations.Migration):
    """Make the table and the index that claims search and sort by."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="OrmQ",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=100, verbose_name="queue")),
                ("payload", models.TextField(verbose_name="payload")),
                ("lock", models.DateTimeField(blank=True, null=True, verbose_name="lock")),
                ("due", models.BigIntegerField(default=djq_orm.clock.now_in_microseconds, editable=False)),
                ("token", models.CharField(editable=False, max_length=40, null=True)),
                ("deliveries", models.PositiveIntegerField(default=0, editable=False, verbose_name="deliveries")),
                ("unanswered", models.PositiveIntegerField(default=0, editable=False)),
            ],
            options={
                "verbose_name": "Queued task",
                "verbose_name_plural": "Queued tasks",
                "indexes": [models.Index(fields=["key", "due", "id"], name="djq_orm_ormq_due")],
            },
        ),
    ]
