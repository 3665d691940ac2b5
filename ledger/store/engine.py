"""Opening a database, a SQLite file or a PostgreSQL URL, with settings that keep what was acknowledged.

Each setting is read back before use. What the two engines do differently stands in `sqlite` and `postgres`.

Source: DESIGN 5 and 8; THREATS R25, X14.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool
from sqlmodel import SQLModel

from ledger.errors import LedgerError, Unavailable
from ledger.store import postgres, sqlite
from ledger.store.faults import STORAGE_ERRORS
from ledger.store.migrations import VERSION_TABLE, schema_version
from ledger.store.tables import SCHEMA_VERSION

__all__ = ["STORAGE_ERRORS", "Connection", "Engine", "Where", "connections", "open_database", "reading", "unusable"]

# A SQLite file, or the URL of a PostgreSQL database.
Where: TypeAlias = Path | str


def open_database(where: Where, *, any_schema: bool = False) -> Engine:
    """The writer's engine: each transaction begins by taking the write lock.

    Raises: Unavailable `no_database`, `database_unusable`, `schema_version`, `database_settings`.
    """
    if isinstance(where, Path) and not where.is_file():
        raise _missing(where)
    engine = engine_of(where)
    try:
        with reading(engine) as connection:
            if not isinstance(where, Path) and not tables_of(connection):
                raise _missing(where)
            if not any_schema:
                require_schema(connection)
            require_settings(connection)
    except DatabaseError as error:
        engine.dispose()
        raise unusable(where, error) from None
    except LedgerError:
        engine.dispose()
        raise
    return engine


def reading(engine: Engine) -> Connection:
    """A connection whose transaction sees one state and never waits for the writer."""
    return sqlite.reading(engine) if engine.dialect.name == "sqlite" else postgres.reading(engine)


def connections(engine: Engine) -> tuple[int, int]:
    """How many connections of this process are in use, and how many wait to be used."""
    pool = engine.pool
    return (pool.checkedout(), pool.checkedin()) if isinstance(pool, QueuePool) else (0, 0)


@contextmanager
def turn(engine: Engine) -> Iterator[Connection]:
    """The one connection of a writer's turn; on PostgreSQL nobody else has a turn while it lives."""
    with engine.connect() if engine.dialect.name == "sqlite" else postgres.turn(engine) as connection:
        yield connection


@contextmanager
def looking(connection: Connection) -> Iterator[None]:
    """A transaction of a turn that writes nothing, and so takes no lock."""
    connection.execution_options(begin="DEFERRED")
    with connection.begin():
        yield
    connection.execution_options(begin="IMMEDIATE")


def require_schema(connection: Connection) -> None:
    """Refuse a database of another release, which may come while we serve.

    Raises: Unavailable `schema_version`.
    """
    version = schema_version(connection)
    if version != SCHEMA_VERSION:
        raise Unavailable(
            "schema_version",
            f"the database has schema {version}, this release has {SCHEMA_VERSION}",
            found=version,
            known=SCHEMA_VERSION,
        )


def unusable(where: Where, error: Exception) -> Unavailable:
    """The error for a database that the engine itself refuses."""
    cause = getattr(error, "orig", error)
    return Unavailable("database_unusable", f"{shown(where)}: {cause}", path=shown(where))


def engine_of(where: Where) -> Engine:
    """An engine that nothing was asked of yet.

    Raises: Unavailable `database_unusable` for a text that is no address.
    """
    return sqlite.sqlite_engine(where) if isinstance(where, Path) else postgres.postgres_engine(where)


def require_settings(connection: Connection) -> None:
    """Refuse settings that may lose what was acknowledged.

    Raises: Unavailable `database_settings`.
    """
    (sqlite if connection.dialect.name == "sqlite" else postgres).require_settings(connection)


def tables_of(connection: Connection) -> set[str]:
    """The tables of a ledger that are there."""
    return {*SQLModel.metadata.tables, VERSION_TABLE} & set(inspect(connection).get_table_names())


def shown(where: Where) -> str:
    """The database as a message may name it, without password."""
    return str(where) if isinstance(where, Path) else postgres.shown(where)


def _missing(where: Where) -> Unavailable:
    return Unavailable("no_database", f"there is no ledger at {shown(where)}", path=shown(where))
