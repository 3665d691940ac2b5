"""What a failing database means: nothing happened and it may be tried again, or nobody knows what was kept.

Source: DESIGN 5; THREATS R26, X08, X15; postgresql.org/docs, appendix A; sqlite.org/rescode.html.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from sqlite3 import SQLITE_BUSY

from sqlalchemy import Engine
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
    TimeoutError,
)

from ledger.errors import Unavailable

# What a failing disk or database raises; whether a commit took effect is unknown then.
STORAGE_ERRORS = (SQLAlchemyError, OSError)

# Serialization failure, deadlock, lock not to be had, statement cancelled: the server has rolled back, and says so.
_ROLLED_BACK = frozenset({"40001", "40P01", "55P03", "57014"})
_PRIMARY_CODE = 0xFF
_BUGS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)


def was_undone(error: BaseException) -> bool:
    """Whether the database itself says that nothing of the transaction was kept, and that it may be tried again."""
    if isinstance(error, TimeoutError):  # of the pool: no connection was to be had
        return True
    cause = getattr(error, "orig", error)
    if getattr(cause, "sqlstate", None) in _ROLLED_BACK:
        return True
    return (getattr(cause, "sqlite_errorcode", 0) & _PRIMARY_CODE) == SQLITE_BUSY


def settles_itself(engine: Engine, error: BaseException) -> bool:
    """Whether a verified reload by the same process may take the log up again after this error.

    A PostgreSQL server answers for its own disk: it stops when a write fails, and comes back by its write-ahead log.
    An error of a disk of this machine asks for a new process and for somebody's eyes.
    """
    return has_other_machines(engine) and isinstance(error, SQLAlchemyError)


def has_other_machines(engine: Engine) -> bool:
    """Whether other machines may write to this database, too, with a signer's memory of their own."""
    return bool(engine.dialect.name == "postgresql")


def unavailable(error: BaseException) -> Unavailable:
    """The error of a database as a caller is told of it: `busy` or `database_unusable`."""
    cause = getattr(error, "orig", None) or error
    return Unavailable("busy" if was_undone(error) else "database_unusable", str(cause).strip())


@contextmanager
def told() -> Iterator[None]:
    """A database that fails, or that is not there, becomes an error of ours. A wrong statement stays a bug.

    Raises: Unavailable `busy`, `database_unusable`.
    """
    try:
        yield
    except (DBAPIError, TimeoutError) as error:
        if isinstance(error, _BUGS):
            raise
        raise unavailable(error) from error
