from __future__ import annotations

from django.db import migrations, models

import djq_core.fields


class Migration(migrations.Migration):
    dependencies = [("djq_core", "0002_exact_names")]

    operations = [
        migrations.CreateModel(
            name="Part",
            fields=[
                ("id", models.CharField(max_length=32, primary_key=True, serialize=False)),
                ("whole", models.CharField(max_length=32)),
                ("number", models.PositiveIntegerField(default=0)),
                ("result", djq_core.fields.SignedField(null=True)),
                ("stopped", models.DateTimeField()),
                ("success", models.BooleanField()),
                ("is_final", models.BooleanField(default=True)),
                ("attempt_count", models.IntegerField(default=1)),
                ("crashes", models.IntegerField(default=0)),
            ],
            options={
                "verbose_name": "part of a workflow",
                "verbose_name_plural": "parts of workflows",
                "indexes": [
                    models.Index(fields=["whole", "number"], name="djq_part_whole"),
                    models.Index(fields=["stopped"], name="djq_part_stopped"),
                ],
            },
        ),
    ]
