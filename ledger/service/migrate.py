"""Bringing the database of a ledger to another schema, whole or not at all.

Source: DESIGN 5; THREATS X14.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from ledger.errors import Unavailable
from ledger.service.ledger import place_of
from ledger.store.engine import open_database
from ledger.store.faults import told
from ledger.store.migrations import schema_version
from ledger.store.migrations.run import downgrade, upgrade
from ledger.store.tables import SCHEMA_VERSION


class Migrated(Struct, frozen=True):
    """From which schema to which."""

    before: int
    after: int


def migrate(directory: Path, *, database: str | None = None, to: int = SCHEMA_VERSION) -> Migrated:
    """Raise or lower the schema, in one transaction that holds the writers' lock. The log is not touched.

    Raises: Unavailable `no_database`, `schema_version` for a schema that this release does not know, `busy` while
        others read or write, `database_unusable`.
    """
    engine = open_database(place_of(directory, database), any_schema=True)
    try:
        with told(), engine.begin() as connection:
            before = schema_version(connection)
            if not (1 <= before <= SCHEMA_VERSION and 1 <= to <= SCHEMA_VERSION):
                raise Unavailable(
                    "schema_version",
                    f"from schema {before} to {to}: this release knows 1 to {SCHEMA_VERSION}",
                    found=before,
                    known=SCHEMA_VERSION,
                )
            if to > before:
                upgrade(connection, f"{to:04}")
            elif to < before:
                downgrade(connection, f"{to:04}")
            return Migrated(before, to)
    finally:
        engine.dispose()
