"""A ledger on either database: founding, opening, and SQL behind its back."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from ledger.errors import LedgerError
from ledger.sequencer.clock import Clock
from ledger.sequencer.keeper import Keeper
from ledger.service.found import found_ledger
from ledger.service.ledger import DATABASE, Ledger
from ledger.service.submit import submit_all
from ledger.store.engine import Where
from tests.ledgers import LogSigner, database_of, fixed_clock
from tests.store.servers import Server
from tests.world import World

KINDS = ("sqlite", "postgresql")


class Place:
    """Where one ledger stands: a directory, and for PostgreSQL a database on a server."""

    def __init__(self, directory: Path, *, server: Server | None = None, name: str = "") -> None:
        self.directory, self.server, self.name = directory, server, name
        self.kind = "postgresql" if server else "sqlite"

    @property
    def url(self) -> str | None:
        """What a ledger is opened with; None for the file of its directory."""
        return self.server.url(self.name) if self.server else None

    @property
    def where(self) -> Where:
        """What the store opens."""
        return self.url or self.directory / DATABASE

    def found(self, world: World) -> Ledger:
        """A ledger with everybody enrolled and the methodology published."""
        first, *rest = world.founding()
        ledger = found_ledger(self.directory, first, signer=LogSigner(), database=self.url, clock=fixed_clock)
        if self.url:
            note_database(self.directory, self.url)
        for answer in submit_all(ledger, rest):
            assert not isinstance(answer, LedgerError)
        return ledger

    def opened(self, *, clock: Clock = fixed_clock) -> Ledger:
        """The ledger, for writing."""
        return Ledger.open(self.directory, database=self.url, signer=LogSigner(), clock=clock)

    def machine(self, directory: Path) -> Place:
        """Another machine on the same database, which knows what this one's signer remembers."""
        shutil.copytree(self.directory, directory)
        return Place(directory, server=self.server, name=self.name)

    def unguarded(self, statement: str, *values: Any) -> None:
        """The same, past the guards, which stand again afterwards."""
        if self.server is not None:
            with self.server.connect(self.name) as there:
                there.execute("SET session_replication_role = replica")
                there.execute(statement.replace("?", "%s").encode(), values or None)
            return
        with closing(sqlite3.connect(self.directory / DATABASE, isolation_level=None)) as there:
            guards = there.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _ in guards:
                there.execute(f'DROP TRIGGER "{name}"')
            there.execute(statement, values)
            for _, guard in guards:
                there.execute(guard)

    def run(self, statement: str, *values: Any) -> list[Sequence[Any]]:
        """Run SQL behind the ledger's back, values marked by `?`; a refusal is raised as the driver has it."""
        if self.server is None:
            with closing(sqlite3.connect(self.directory / DATABASE, isolation_level=None)) as connection:
                return connection.execute(statement, values).fetchall()
        with self.server.connect(self.name) as there:
            cursor = there.execute(statement.replace("?", "%s").encode(), values or None)
            return cursor.fetchall() if cursor.description else []


def keeper_of(ledger: Ledger) -> Keeper:
    """What looks after the writer; its thread is ended, so that the test itself may let it look."""
    ledger.keep()
    assert ledger._keeper is not None
    ledger._keeper.close()
    return ledger._keeper


def note_database(directory: Path, url: str) -> None:
    """Note where the rows of a directory stand, as `gigaton init` does."""
    (directory / "database.url").write_text(f"{url}\n")
    (directory / "database.url").chmod(0o600)


def change_behind(directory: Path, *changes: str) -> None:
    """Run SQL on the database of a directory from outside, guards taken away. Written as SQLite spells it."""
    url = database_of(directory)
    if url is None:
        with closing(sqlite3.connect(directory / DATABASE, isolation_level=None)) as database:
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                database.execute(f'DROP TRIGGER "{name}"')
            for change in changes:
                database.execute(change)
        return
    asked = make_url(url)
    with psycopg.connect(user=asked.username, dbname=asked.database, autocommit=True, **asked.query) as there:
        there.execute("SET session_replication_role = replica")
        for change in changes:
            there.execute(in_postgresql(change).encode())


def in_postgresql(change: str) -> str:
    """The same SQL for PostgreSQL, as far as the tests need it."""
    change = re.sub(r"\bx'([0-9a-f]*)'", r"'\\x\1'::bytea", change)
    change = re.sub(r"zeroblob\((\d+)\)", lambda match: f"'\\x{'00' * int(match[1])}'::bytea", change)
    change = re.sub(r"PRAGMA user_version = (\d+)", r"UPDATE alembic_version SET version_num = '000\1'", change)
    return change.replace("AS BLOB", "AS bytea").replace("'text'", "'text'::bytea")
