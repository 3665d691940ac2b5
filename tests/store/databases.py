"""A ledger on either database: founding, opening, and SQL behind its back."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from ledger.errors import LedgerError
from ledger.sequencer.clock import Clock
from ledger.service.found import found_ledger
from ledger.service.ledger import DATABASE, Ledger
from ledger.service.submit import submit_all
from ledger.store.engine import Where
from tests.ledgers import LogSigner, fixed_clock
from tests.store.servers import Server
from tests.world import World


class Place:
    """Where one ledger stands: a directory, and for PostgreSQL a database on a server."""

    def __init__(self, directory: Path, *, server: Server | None = None, name: str = "") -> None:
        self.directory, self._server, self._name = directory, server, name
        self.kind = "postgresql" if server else "sqlite"

    @property
    def url(self) -> str | None:
        """What a ledger is opened with; None for the file of its directory."""
        return self._server.url(self._name) if self._server else None

    @property
    def where(self) -> Where:
        """What the store opens."""
        return self.url or self.directory / DATABASE

    def found(self, world: World) -> Ledger:
        """A ledger with everybody enrolled and the methodology published."""
        first, *rest = world.founding()
        ledger = found_ledger(self.directory, first, signer=LogSigner(), database=self.url, clock=fixed_clock)
        for answer in submit_all(ledger, rest):
            assert not isinstance(answer, LedgerError)
        return ledger

    def opened(self, *, clock: Clock = fixed_clock) -> Ledger:
        """The ledger, for writing."""
        return Ledger.open(self.directory, database=self.url, signer=LogSigner(), clock=clock)

    def run(self, statement: str, *values: Any) -> list[Sequence[Any]]:
        """Run SQL behind the ledger's back, values marked by `?`; a refusal is raised as the driver has it."""
        if self._server is None:
            with closing(sqlite3.connect(self.directory / DATABASE, isolation_level=None)) as connection:
                return connection.execute(statement, values).fetchall()
        with psycopg.connect(
            host=str(self._server.folder), user="postgres", dbname=self._name, autocommit=True
        ) as there:
            cursor = there.execute(statement.replace("?", "%s").encode(), values or None)
            return cursor.fetchall() if cursor.description else []
