"""SQLite: one file beside the signer's memory, with the settings that keep what was acknowledged.

Source: DESIGN 5; THREATS R25, M6, M8.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from ledger.errors import Unavailable

BUSY_TIMEOUT_MS = 30_000
WAL_AUTOCHECKPOINT_PAGES = 65_536
# More than a serving process has threads, so that the writer never waits for those who read.
CONNECTIONS_MAX = 64
CONNECTIONS_KEPT = 16

# pragma -> the value that must be read back.
_SETTINGS: dict[str, str | int] = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "cell_size_check": 1,
    "wal_autocheckpoint": WAL_AUTOCHECKPOINT_PAGES,
}


def sqlite_engine(path: Path) -> Engine:
    """An engine whose transactions begin by taking the write lock, except where `reading` says otherwise."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        pool_size=CONNECTIONS_KEPT,
        max_overflow=CONNECTIONS_MAX - CONNECTIONS_KEPT,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def require_settings(connection: Connection) -> None:
    """What was set is read back, for something on this machine may set it otherwise.

    Raises: Unavailable `database_settings`.
    """
    for name, wanted in _SETTINGS.items():
        found = connection.exec_driver_sql(f"PRAGMA {name}").scalar()
        if found != wanted:
            raise Unavailable("database_settings", f"{name} is {found}, it must be {wanted}", setting=name)


def reading(engine: Engine) -> Connection:
    """A connection whose transaction sees one state and never waits for the writer."""
    return engine.connect().execution_options(begin="DEFERRED")


def _on_connect(connection: sqlite3.Connection, record: Any) -> None:
    # pysqlite would open the transaction at the first INSERT, after the head was read (THREATS M6): take it over.
    connection.isolation_level = None
    for name, value in _SETTINGS.items():
        connection.execute(f"PRAGMA {name} = {value}").close()


def _begin_immediate(connection: Connection) -> None:
    mode = connection.get_execution_options().get("begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {mode}")
