"""Why a writer stopped, what callers are told meanwhile, and whether it may take itself up again.

Source: DESIGN 5; THREATS R26, X08, X15.
"""

from __future__ import annotations

import copy

from ledger.errors import LedgerError, Unavailable
from ledger.store.engine import Engine
from ledger.store.faults import has_other_machines, settles_itself

# What may stop a batch after its commit and be gone the next moment.
_PASSES = frozenset({"busy", "database_settings", "database_unusable"})
# What a reload meets while the database has not come back: it says no more than that the writer stopped.
_AWAY = _PASSES | {"writer_stopped"}


class Stop:
    """Runs, until it is told of an error; nothing is written then until everything was verified."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._told: LedgerError | None = None
        self.settles = False

    def require_running(self) -> None:
        """Refuse while nothing may be written.

        Raises: Unavailable `writer_stopped`, or what the database was found to be when it came back.
        """
        if self._told is not None:
            raise copy.copy(self._told)

    def after_storage(self, error: Exception) -> LedgerError:
        """Whether a commit took effect is unknown; gives what to tell."""
        self._told = Unavailable("writer_stopped", f"{type(error).__name__}: {error}")
        self.settles = settles_itself(self._engine, error)
        return self._told

    def after_refusal(self, error: LedgerError) -> None:
        """Entries were committed, and stand there unsigned."""
        self._told = Unavailable("writer_stopped", f"an earlier append failed: {error.code}: {error.message}")
        self.settles = has_other_machines(self._engine) and error.code in _PASSES

    def after_reload(self, error: LedgerError) -> None:
        """The database came back as another than it was, or did not come back."""
        if self.settles and error.code not in _AWAY:
            self._told = error

    def end(self) -> None:
        """Everything was verified."""
        self._told, self.settles = None, False
