"""The ledger, opened once: what every act works on.

A directory holds `ledger.db`, `signer.json`, `evidence/`, and whatever the
programs around it put there; with a PostgreSQL database, all but the first.
Without the log's signer it is read only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from ledger.core.note import Vkey
from ledger.core.signing import Signer
from ledger.domain.records import ProgrammeRecord
from ledger.errors import NotAllowed, Unavailable
from ledger.sequencer.clock import Clock, now_ms
from ledger.sequencer.keeper import Keeper
from ledger.sequencer.observer import Observer
from ledger.sequencer.signing import Step
from ledger.sequencer.writer import Writer
from ledger.store import queries
from ledger.store.engine import STORAGE_ERRORS, Connection, Engine, Where, open_database, reading, unusable
from ledger.store.evidence import EvidenceStore
from ledger.store.faults import has_other_machines, told

DATABASE = "ledger.db"


def place_of(directory: Path, database: str | None) -> Where:
    """Where the rows of a ledger stand: at a URL, or in the file of its directory."""
    return directory / DATABASE if database is None else database


class Ledger:
    """One log with its state. Close it, or use it as a context."""

    def __init__(
        self,
        directory: Path,
        engine: Engine,
        *,
        signer: Signer | None,
        clock: Clock,
        step: Step,
        observer: Observer | None,
    ) -> None:
        self.directory = directory
        self.engine = engine
        self.evidence = EvidenceStore(directory / "evidence")
        with self.reading() as connection:
            found = queries.find(connection, ProgrammeRecord)
        if not found:
            raise Unavailable("no_head", f"{directory} holds a database without a Programme")
        # No later Programme changes these: the rules keep origin, operator, genesis and log key.
        self.name = found[0].ledger
        self.origin = found[0].subject.origin
        self.operator = found[0].subject.operator.id
        self.log = Vkey.parse(found[0].subject.log_keys[-1].vkey)
        if signer is not None and signer.public_key != self.log.public_key:
            raise NotAllowed("wrong_log_key", "this key is not the log key that the Programme names")
        self._writer = (
            None
            if signer is None
            else Writer(
                engine, directory=directory, log=self.log, signer=signer, clock=clock, step=step, observer=observer
            )
        )
        self._keeper: Keeper | None = None

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        database: str | None = None,
        signer: Signer | None = None,
        clock: Clock = now_ms,
        step: Step = lambda name: None,
        observer: Observer | None = None,
    ) -> Ledger:
        """Open the ledger of a directory, its rows there or at a PostgreSQL URL; with the log's signer, for writing.

        Raises: Unavailable with the codes of `open_database` and `Writer.reload`; NotAllowed `wrong_log_key`.
        """
        where = place_of(directory, database)
        engine = open_database(where)
        try:
            return cls(directory, engine, signer=signer, clock=clock, step=step, observer=observer)
        except STORAGE_ERRORS as error:
            engine.dispose()
            raise unusable(where, error) from None
        except BaseException:
            engine.dispose()
            raise

    @property
    def writer(self) -> Writer:
        """The writer.

        Raises: Unavailable `read_only`.
        """
        if self._writer is None:
            raise Unavailable("read_only", "the ledger was opened without the log key")
        return self._writer

    @property
    def waiting(self) -> int:
        """Number of statements that wait to be recorded by this process."""
        return 0 if self._writer is None else self._writer.waiting

    @property
    def programme(self) -> ProgrammeRecord:
        """The Programme as it is now: another process may have recorded a version since."""
        with self.reading() as connection:
            return queries.find(connection, ProgrammeRecord)[0]

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state and never waits for the writer.

        Raises: Unavailable `busy`, `database_unusable` where the database cannot be asked, or fails on the way.
        """
        with told(), reading(self.engine) as connection:
            yield connection

    def keep(self) -> None:
        """Look after the writer from now on, as a process that serves must where other machines write as well."""
        if self._writer is not None and has_other_machines(self.engine):
            self._keeper = Keeper(self._writer, engine=self.engine, directory=self.directory, log=self.log)

    def require_in_order(self) -> None:
        """Refuse where nothing can be written, or where the database is not the one that it was.

        Raises: Unavailable with the codes of `Writer.reload` and `Keeper.look`.
        """
        if self._writer is not None:
            self._writer.require_running()
        if self._keeper is not None:
            self._keeper.require_alike()

    def close(self) -> None:
        """Let threads and connections go."""
        if self._keeper is not None:
            self._keeper.close()
        if self._writer is not None:
            self._writer.close()
        self.engine.dispose()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()
