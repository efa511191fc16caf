from typing import Any

from django.db import migrations


def compare_exactly(apps: Any, editor: Any) -> None:
    """Let case and accents count and every character in, where a server's own choice decides that otherwise."""
    connection = editor.connection
    if connection.vendor != "mysql":
        return
    collation = "utf8mb4_nopad_bin" if connection.mysql_is_mariadb else "utf8mb4_bin"
    for table in ("djq_core_task", "djq_core_schedule"):
        editor.execute(f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 COLLATE {collation}")


class Migration(migrations.Migration):
    dependencies = [("djq_core", "0001_initial")]

    operations = [migrations.RunPython(compare_exactly, migrations.RunPython.noop, atomic=False)]
