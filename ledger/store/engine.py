"""Opening the database with settings that keep what was acknowledged, each read back before use.

Source: DESIGN 5; THREATS R25, M6, M8.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlmodel import SQLModel

from ledger.errors import LedgerError, Unavailable
from ledger.store.guards import GUARDS
from ledger.store.tables import SCHEMA_VERSION

__all__ = ["STORAGE_ERRORS", "Connection", "Engine", "create_database", "open_database", "reading", "unusable"]

# What a failing disk or database raises; whether a commit took effect is unknown then.
STORAGE_ERRORS = (SQLAlchemyError, OSError)

BUSY_TIMEOUT_MS = 30_000
WAL_AUTOCHECKPOINT_PAGES = 65_536

# pragma -> the value that must be read back.
_SETTINGS: dict[str, str | int] = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "cell_size_check": 1,
    "wal_autocheckpoint": WAL_AUTOCHECKPOINT_PAGES,
}


def create_database(path: Path) -> Engine:
    """A new database with tables and guards.

    Raises: Unavailable `database_exists`, `database_unusable`.
    """
    if path.exists():
        raise Unavailable("database_exists", f"{path} is there already", path=str(path))
    engine = _engine(path)
    try:
        with engine.begin() as connection:
            SQLModel.metadata.create_all(connection)
            for guard in GUARDS:
                connection.exec_driver_sql(guard)
            connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except DatabaseError as error:
        raise unusable(path, error) from None
    return engine


def open_database(path: Path) -> Engine:
    """The writer's engine: each transaction begins by taking the write lock.

    Raises: Unavailable `no_database`, `database_unusable`, `schema_version`, `database_settings`.
    """
    if not path.is_file():
        raise Unavailable("no_database", f"there is no ledger at {path}", path=str(path))
    engine = _engine(path)
    try:
        with engine.connect() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar()
            _require_settings(connection)
        if version != SCHEMA_VERSION:
            raise Unavailable(
                "schema_version", f"{path} has schema {version}, this release has {SCHEMA_VERSION}", path=str(path)
            )
    except DatabaseError as error:
        engine.dispose()
        raise unusable(path, error) from None
    except LedgerError:
        engine.dispose()
        raise
    return engine


def unusable(path: Path, error: Exception) -> Unavailable:
    """The error for a database that SQLite itself refuses."""
    cause = getattr(error, "orig", error)
    return Unavailable("database_unusable", f"{path}: {cause}", path=str(path))


def _require_settings(connection: Connection) -> None:
    for name, wanted in _SETTINGS.items():
        found = connection.exec_driver_sql(f"PRAGMA {name}").scalar()
        if found != wanted:
            raise Unavailable("database_settings", f"{name} is {found}, it must be {wanted}", setting=name)


def _engine(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _on_connect(connection: sqlite3.Connection, record: Any) -> None:
    # pysqlite would open the transaction at the first INSERT, after the head was read (THREATS M6): take it over.
    connection.isolation_level = None
    for name, value in _SETTINGS.items():
        connection.execute(f"PRAGMA {name} = {value}").close()


def _begin_immediate(connection: Connection) -> None:
    mode = connection.get_execution_options().get("begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {mode}")


def reading(engine: Engine) -> Connection:
    """A connection whose transaction sees one state and never waits for the writer."""
    return engine.connect().execution_options(begin="DEFERRED")
