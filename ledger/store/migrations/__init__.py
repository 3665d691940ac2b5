"""Which schema a database has; how to move it to another stands in `run`.

A revision is named by the schema version that it makes, in four digits, so that both databases tell an old
release and a new one apart: SQLite by `user_version`, PostgreSQL by Alembic's own table.

Source: DESIGN 5; THREATS X14.
"""

from __future__ import annotations

from sqlalchemy import Connection, column, inspect, select, table

VERSION_TABLE = "alembic_version"


def schema_version(connection: Connection) -> int:
    """The schema version of a database; 0 where none was ever made."""
    if connection.dialect.name == "sqlite":
        return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    return recorded_revision(connection)


def recorded_revision(connection: Connection) -> int:
    """The revision in Alembic's table; 0 where there is none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return 0
    return int(connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar() or 0)
