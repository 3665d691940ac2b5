"""A thread that looks after a writer in a process that serves, beside machines that write as well.

It takes the writer up again when its database has come back, by the checks of
a start; and it takes into the signer's memory what other machines have signed,
so that a machine which does not write knows as well what must never be taken
back. What was signed in the last second, and seen by nobody who still lives,
it cannot know: only a standby that is synchronous keeps that.

Source: DESIGN 8; THREATS X09, X15.
"""

from __future__ import annotations

import copy
import logging
import threading
from pathlib import Path

from ledger.core.note import Vkey
from ledger.errors import LedgerError, Unavailable
from ledger.sequencer.signer_state import SignerState
from ledger.sequencer.standing import is_behind, require_prefix, require_reach, signed_by_others
from ledger.sequencer.writer import Writer
from ledger.store import log_store
from ledger.store.engine import STORAGE_ERRORS, Engine, reading
from ledger.store.faults import unavailable

BEAT_S = 1.0
# While the database is away, it is asked less and less often, up to this.
PAUSE_S_MAX = 4.0

_LOG = logging.getLogger("gigaton.writer")


class Keeper:
    """Tends about once a second; after a failure it waits twice as long each time."""

    def __init__(self, writer: Writer, *, engine: Engine, directory: Path, log: Vkey) -> None:
        self._writer, self._engine, self._log = writer, engine, log
        self._state = SignerState(directory, origin=log.name)
        self._unlike: LedgerError | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread, after what it is doing."""
        self._ended.set()
        self._thread.join()

    def require_alike(self) -> None:
        """Refuse where the database was last seen to be away, or an old or a foreign one.

        Raises: Unavailable with the codes of `look`.
        """
        if self._unlike is not None:
            raise copy.copy(self._unlike)

    def tend(self) -> None:
        """Take the writer up again, or see what others have signed.

        Raises: Unavailable with the codes of `Writer.reload` and `look`; it is worth trying again.
        """
        try:
            if not self._writer.take_up():
                self.look()
        except LedgerError as error:
            self._unlike = error
            raise
        self._unlike = None

    def look(self) -> None:
        """Hold the database against the signer's memory, which takes over what others signed.

        Raises: Unavailable `database_unusable`, `database_rolled_back`, `database_replaced`, `checkpoint_damaged`.
        """
        mark = self._state.read()  # before the head: whoever writes meanwhile moves the head first, then the mark
        try:
            with reading(self._engine) as connection:
                head = log_store.read_head(connection)
                require_reach(mark, head)
                require_prefix(connection, mark, head)
                if not is_behind(mark, head):
                    return
                size, root = signed_by_others(connection, head, log=self._log)
            with self._state.locked(wait=False) as held:
                # Whoever holds it writes, and will remember more than was seen here.
                if held and self._state.read().size < size:
                    self._state.advance(size=size, root=root)
        except STORAGE_ERRORS as error:
            raise unavailable(error) from error

    def _run(self) -> None:
        pause, said = BEAT_S, ""
        while not self._ended.wait(pause):
            try:
                self.tend()
            except LedgerError as error:
                pause = min(2 * pause, PAUSE_S_MAX)
                if error.code != said:
                    _LOG.error("%s: %s", error.code, error.message)
                said = error.code
            except Exception as error:  # noqa: BLE001 - a bug must not end the watch
                self._unlike = Unavailable("writer_stopped", f"{type(error).__name__}: {error}")
                pause = PAUSE_S_MAX
                _LOG.exception("unforeseen while looking after the writer")
            else:
                if said:
                    _LOG.warning("the writer and its database are in order again")
                pause, said = BEAT_S, ""
