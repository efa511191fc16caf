import django.utils.timezone
from django.db import migrations, models

import djq_core.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=100, null=True, verbose_name="name")),
                (
                    "func",
                    models.CharField(
                        help_text="Dotted path, as in module.tasks.function", max_length=256, verbose_name="function"
                    ),
                ),
                (
                    "hook",
                    models.CharField(
                        blank=True,
                        help_text="Dotted path of a function that gets the task",
                        max_length=256,
                        null=True,
                        verbose_name="hook",
                    ),
                ),
                (
                    "args",
                    models.TextField(
                        blank=True, help_text="Python literals, as in 1, 2, 'John'", null=True, verbose_name="arguments"
                    ),
                ),
                (
                    "kwargs",
                    models.TextField(
                        blank=True,
                        help_text="Python literals, as in x=1, y=2, name='John'",
                        null=True,
                        verbose_name="keyword arguments",
                    ),
                ),
                (
                    "schedule_type",
                    models.CharField(
                        choices=[
                            ("O", "Once"),
                            ("I", "Minutes"),
                            ("H", "Hourly"),
                            ("D", "Daily"),
                            ("W", "Weekly"),
                            ("M", "Monthly"),
                            ("Q", "Quarterly"),
                            ("Y", "Yearly"),
                            ("C", "Cron"),
                        ],
                        default="O",
                        max_length=2,
                        verbose_name="schedule type",
                    ),
                ),
                (
                    "minutes",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="The interval of the type Minutes", null=True, verbose_name="minutes"
                    ),
                ),
                (
                    "repeats",
                    models.IntegerField(
                        default=-1, help_text="How often it still runs; -1: for ever, 0: paused", verbose_name="repeats"
                    ),
                ),
                (
                    "next_run",
                    models.DateTimeField(default=django.utils.timezone.now, null=True, verbose_name="next run"),
                ),
                (
                    "cron",
                    models.CharField(
                        blank=True,
                        help_text="The expression of the type Cron",
                        max_length=100,
                        null=True,
                        verbose_name="cron",
                    ),
                ),
                ("task", models.CharField(editable=False, max_length=100, null=True, verbose_name="last task")),
                (
                    "cluster",
                    models.CharField(
                        blank=True,
                        help_text="The only cluster that runs it",
                        max_length=100,
                        null=True,
                        verbose_name="cluster",
                    ),
                ),
                (
                    "intended_date_kwarg",
                    models.CharField(
                        blank=True,
                        help_text="The keyword argument that is given the moment for which the run was due",
                        max_length=100,
                        null=True,
                        verbose_name="keyword of the due date",
                    ),
                ),
            ],
            options={
                "verbose_name": "Scheduled task",
                "verbose_name_plural": "Scheduled tasks",
                "ordering": ["next_run"],
                "indexes": [models.Index(fields=["next_run"], name="djq_schedule_next_run")],
            },
        ),
        migrations.CreateModel(
            name="Task",
            fields=[
                (
                    "id",
                    models.CharField(
                        editable=False, max_length=32, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(editable=False, max_length=100, verbose_name="name")),
                ("func", models.CharField(max_length=256, verbose_name="function")),
                ("hook", models.CharField(max_length=256, null=True, verbose_name="hook")),
                ("args", djq_core.fields.SignedField(editable=False, null=True, verbose_name="arguments")),
                ("kwargs", djq_core.fields.SignedField(editable=False, null=True, verbose_name="keyword arguments")),
                ("result", djq_core.fields.SignedField(editable=False, null=True, verbose_name="result")),
                ("group", models.CharField(editable=False, max_length=100, null=True, verbose_name="group")),
                ("cluster", models.CharField(editable=False, max_length=100, null=True, verbose_name="cluster")),
                ("started", models.DateTimeField(editable=False, verbose_name="started")),
                ("stopped", models.DateTimeField(editable=False, verbose_name="stopped")),
                ("success", models.BooleanField(default=True, editable=False, verbose_name="success")),
                ("attempt_count", models.IntegerField(default=0, verbose_name="attempts")),
                ("crashes", models.IntegerField(default=0, editable=False, verbose_name="crashes")),
            ],
            options={
                "verbose_name": "task",
                "verbose_name_plural": "tasks",
                "ordering": ["-stopped"],
                "indexes": [
                    models.Index(fields=["name"], name="djq_task_name"),
                    models.Index(fields=["success", "stopped"], name="djq_task_success"),
                    models.Index(fields=["group", "success"], name="djq_task_group"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Failure",
            fields=[],
            options={
                "verbose_name": "Failed task",
                "verbose_name_plural": "Failed tasks",
                "ordering": ["-stopped"],
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("djq_core.task",),
        ),
        migrations.CreateModel(
            name="Success",
            fields=[],
            options={
                "verbose_name": "Successful task",
                "verbose_name_plural": "Successful tasks",
                "ordering": ["-stopped"],
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("djq_core.task",),
        ),
    ]
