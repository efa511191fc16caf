"""Names of queues are compared exactly."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def compare_exactly(apps: Any, editor: Any) -> None:
    """Let case and accents count and every character in, where a server's own choice decides that otherwise."""
    connection = editor.connection
    if connection.vendor == "mysql":
        collation = "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_bin"
        editor.execute(f"ALTER TABLE djq_orm_ormq CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}")


class Migration(migrations.Migration):
    """Change the character set and the collation of the table on MariaDB and MySQL, nothing on others."""

    dependencies = [("djq_orm", "0001_initial")]

    operations = [migrations.RunPython(compare_exactly, migrations.RunPython.noop, atomic=False)]
