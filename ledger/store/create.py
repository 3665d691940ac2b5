"""Making a new database, whole or not at all, and taking away one whose founding was refused.

Opening needs none of this, and so not the migrations either.

Source: DESIGN 5; THREATS X14.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.exc import DatabaseError

from ledger.errors import LedgerError, Unavailable
from ledger.store.engine import Engine, Where, engine_of, require_settings, shown, tables_of, unusable
from ledger.store.migrations.run import drop, upgrade


def create_database(where: Where) -> Engine:
    """A new database with tables and guards; on PostgreSQL in a database that the operator made.

    Raises: Unavailable `database_exists`, `database_unusable`, `database_settings`.
    """
    if isinstance(where, Path) and where.exists():
        raise _exists(where)
    engine = engine_of(where)
    try:
        with engine.begin() as connection:
            require_settings(connection)
            if tables_of(connection):
                raise _exists(where)
            upgrade(connection)
    except DatabaseError as error:
        engine.dispose()
        raise unusable(where, error) from None
    except LedgerError:
        engine.dispose()
        raise
    return engine


def drop_database(engine: Engine, where: Where) -> None:
    """Take away what `create_database` made, entries and all."""
    if isinstance(where, Path):
        engine.dispose()
        for leftover in where.parent.glob(f"{where.name}*"):
            leftover.unlink()
        return
    with engine.begin() as connection:
        drop(connection)
    engine.dispose()


def _exists(where: Where) -> Unavailable:
    return Unavailable("database_exists", f"{shown(where)} is there already", path=shown(where))
