"""The databases of tasks, schedules and the queue: whether they answer, and have what they should have."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from django.apps import AppConfig, apps
from django.db import Error, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Model
from django.utils.translation import gettext as _

from djq_core.brokers import Finding
from djq_core.brokers.finding import ERROR, WARNING
from djq_core.models import Schedule, Task
from djq_core.monitor.doctor.broker import SLOW
from djq_core.monitor.secrets import without_secrets

if TYPE_CHECKING:
    from djq_core.runtime import Runtime

_APP: Final = "djq_core"
_ISOLATION: Final = {
    "postgresql": "SELECT CURRENT_SETTING('transaction_isolation')",
    "mysql": "SELECT @@transaction_isolation",
    "mariadb": "SELECT @@tx_isolation",
}
#: Levels at which rows that others change make a statement fail; on MariaDB and MySQL djq chooses for itself.
_DOUBTFUL: Final = {"postgresql": ("serializable", "repeatable read")}


def look(runtime: Runtime) -> Iterator[Finding]:
    """Look at each database that djq writes to."""
    for alias, configs in sorted(_used(runtime).items()):
        connection = connections[alias]
        try:
            yield from _of_database(connection, configs)
        except Error as error:
            yield Finding(
                level=ERROR,
                code="database-away",
                message=_("The database %(alias)r does not answer: %(error)s")
                % {"alias": alias, "error": without_secrets(str(error).strip())},
                remedy=_("Start it, or correct its entry in DATABASES. Clusters wait meanwhile and lose nothing."),
            )


def _used(runtime: Runtime) -> dict[str, list[AppConfig]]:
    """Return the aliases, each with the apps whose tables lie there: core, and that of a broker in a database."""
    core = apps.get_app_config(_APP)
    used = {router.db_for_write(model): [core] for model in (Task, Schedule)}
    for name in runtime.conf.clusters if not runtime.conf.sync else ():
        broker = runtime.shared_broker(name)
        own = apps.get_containing_app_config(type(broker).__module__)
        if broker.database is not None and own is not None:
            known = used.setdefault(broker.database, [])
            known.extend({own} - set(known))
    return used


def _of_database(connection: BaseDatabaseWrapper, configs: Iterable[AppConfig]) -> Iterator[Finding]:
    yield _latency(connection)
    if connection.vendor == "sqlite" and connection.is_in_memory_db():  # type: ignore[attr-defined]
        yield Finding(
            level=ERROR,
            code="database-memory",
            message=_("The database %(alias)r lives in memory: no other process sees it.")
            % {"alias": connection.alias},
            remedy=_("Give it a file, or take a database with a server."),
        )
    yield from _isolation(connection)
    unapplied = _unapplied(connection, {config.label for config in configs})
    if unapplied:
        yield Finding(
            level=ERROR,
            code="database-migrations",
            message=_("The database %(alias)r lacks migrations: %(names)s.")
            % {"alias": connection.alias, "names": ", ".join(unapplied)},
            remedy=_("python manage.py migrate --database=%(alias)s") % {"alias": connection.alias},
        )
        return
    yield from _indexes(connection, configs)


def _latency(connection: BaseDatabaseWrapper) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        began = time.monotonic()
        cursor.execute("SELECT 1")
        seconds = time.monotonic() - began
    message = _("The database %(alias)r (%(vendor)s) answers within %(ms)s ms.") % {
        "alias": connection.alias,
        "vendor": connection.display_name,
        "ms": f"{max(0.1, seconds * 1000):.1f}",
    }
    if seconds <= SLOW:
        return Finding(code="database-latency", message=message)
    remedy = _("Move the database nearer to the clusters: each batch of results waits for it.")
    return Finding(level=WARNING, code="database-latency", message=message, remedy=remedy)


def _isolation(connection: BaseDatabaseWrapper) -> Iterator[Finding]:
    vendor = "mariadb" if getattr(connection, "mysql_is_mariadb", False) else connection.vendor
    if vendor not in _ISOLATION:
        return
    alone = _asked(connection, _ISOLATION[vendor])
    with transaction.atomic(using=connection.alias):
        levels = {alone, _asked(connection, _ISOLATION[vendor])}
    doubtful = levels.intersection(_DOUBTFUL.get(vendor, ()))
    level = ", ".join(sorted(doubtful or levels))
    message = _("Its transactions are isolated at the level %(level)s.") % {"level": level}
    if not doubtful:
        yield Finding(code="database-isolation", message=message)
        return
    remedy = _(
        "Leave isolation_level out of OPTIONS, or set it to READ COMMITTED: others make clusters fail each other."
    )
    yield Finding(level=WARNING, code="database-isolation", message=message, remedy=remedy)


def _asked(connection: BaseDatabaseWrapper, statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchone()[0]).lower().replace("-", " ")


def _unapplied(connection: BaseDatabaseWrapper, labels: set[str]) -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [
        f"{migration.app_label}.{migration.name}" for migration, _backwards in plan if migration.app_label in labels
    ]


def _indexes(connection: BaseDatabaseWrapper, configs: Iterable[AppConfig]) -> Iterator[Finding]:
    missing = [
        f"{model._meta.db_table}.{name}"
        for config in configs
        for model in config.get_models()
        if not model._meta.proxy and router.allow_migrate_model(connection.alias, model)
        for name in _missing(connection, model)
    ]
    if missing:
        yield Finding(
            level=ERROR,
            code="database-indexes",
            message=_("The database %(alias)r lacks indexes: %(names)s.")
            % {"alias": connection.alias, "names": ", ".join(missing)},
            remedy=_(
                "Create them again: python manage.py sqlmigrate shows how. Without them every look reads all rows."
            ),
        )
    else:
        yield Finding(code="database-indexes", message=_("Its migrations are applied and its indexes are there."))


def _missing(connection: BaseDatabaseWrapper, model: type[Model]) -> list[str]:
    wanted = [index.name for index in model._meta.indexes]
    with connection.cursor() as cursor:
        there = connection.introspection.get_constraints(cursor, model._meta.db_table)
    return [name for name in wanted if name not in there]
