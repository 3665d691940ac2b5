"""Raising and lowering the schema of a database, in the caller's transaction: whole, or not at all.

Source: DESIGN 5; THREATS X14.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlmodel import SQLModel

from ledger.store import service_tables  # noqa: F401 - every table is known before any is dropped
from ledger.store.guards import drop_functions
from ledger.store.migrations import VERSION_TABLE, recorded_revision, schema_version

SCRIPTS = Path(__file__).parent


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the schema up to a revision."""
    _run(connection, command.upgrade, revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Take the schema back to a revision.

    Raises: Unavailable `schema_version` where entries would be lost.
    """
    _run(connection, command.downgrade, revision)


def drop(connection: Connection) -> None:
    """Take away every table and guard, entries and all."""
    SQLModel.metadata.drop_all(connection)
    drop_functions(connection)
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {VERSION_TABLE}")


def _run(connection: Connection, act: Callable[[Config, str], None], revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = schema_version(connection)
    if known and not recorded_revision(connection):
        command.stamp(config, f"{known:04}")  # a SQLite file from before there were revisions
    act(config, revision)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA user_version = {recorded_revision(connection)}")
