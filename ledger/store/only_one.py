"""The right to do something that only one of all serving processes may do, on any machine.

On SQLite it is a lock on a file beside the database; on PostgreSQL a lock of the database that is held by a
session of its own. Both end with the process that holds them, however it ends. A session may be lost while its
process lives: then another process may begin before this one has noticed, so what is done under this right must
bear being done twice.

Source: DESIGN 8; postgresql.org/docs, 13.3.5.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sqlalchemy import Connection, Engine

from ledger.store.faults import STORAGE_ERRORS


class OnlyOne:
    """One such right: a file's name on SQLite, a number on PostgreSQL."""

    def __init__(self, engine: Engine, *, path: Path, number: int) -> None:
        self._engine, self._path, self._number = engine, path, number
        self._descriptor: int | None = None
        self._session: Connection | None = None

    def take(self) -> bool:
        """Whether this process has the right now; never waits for it."""
        return self._take_file() if self._engine.dialect.name == "sqlite" else self._take_session()

    def let_go(self) -> None:
        """Let others have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        if self._session is not None:
            self._session.invalidate()  # the session ends, and its locks with it
            self._session.close()
            self._session = None

    def _take_file(self) -> bool:
        if self._descriptor is not None:
            return True
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            # Of the process, and not of the open file: a process that was forked off does not hold it on.
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def _take_session(self) -> bool:
        try:
            if self._session is not None:
                self._session.exec_driver_sql("SELECT 1")
                self._session.commit()
                return True
            session = self._engine.connect()
            session.execution_options(isolation_level="AUTOCOMMIT", begin="DEFERRED")
            taken = bool(session.exec_driver_sql(f"SELECT pg_try_advisory_lock({self._number})").scalar_one())
            session.commit()
        except STORAGE_ERRORS:
            self._session = None
            return False
        if taken:
            self._session = session
        else:
            session.close()
        return taken
