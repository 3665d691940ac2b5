"""PostgreSQL through psycopg: the same tables on a server, trusted only as far as its settings keep a commit.

Writers take one advisory lock before they read anything, and see what is committed at each statement: a
snapshot taken while waiting for the lock would show the head as it was before. Readers see one snapshot.

A writer's turn is longer than a transaction: it ends with the signature. It holds a lock of its own, of the
session and not of a transaction, and does everything through that one session: who loses the session has lost
the turn, and can write nothing more in it. A machine that vanishes or hangs in its turn loses the session within
seconds, by the server's own clock.

Source: DESIGN 5 and 8; THREATS R25, X05, X15; postgresql.org/docs, chapters 13 and 19.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ledger.errors import Unavailable

LOCK_TIMEOUT_MS = 30_000
CONNECT_TIMEOUT_S = 10
# How long a session may do nothing in its turn, or in any transaction.
TURN_IDLE_S = 8
TRANSACTION_IDLE_S = 60
# An end that has vanished is noticed after 3 + 2 * 2 seconds; one that takes no bytes after as many.
_KEEPALIVE_S, _PROBE_S, _PROBES, _LOST_MS = 3, 2, 2, 7_000
SERVER_VERSION_MIN = 140_000

# One lock for the writers of a database: "gigaton" in ASCII.
WRITER_LOCK = 0x67_69_67_61_74_6F_6E
# And one for the turn: by its own name, so that tables beside the log can be written while a head is being signed.
TURN_LOCK = WRITER_LOCK + 1

# Setting -> the values under which an acknowledged commit survives a crash, and guards hold.
_SETTINGS: dict[str, frozenset[str]] = {
    "fsync": frozenset({"on"}),
    "full_page_writes": frozenset({"on"}),
    "synchronous_commit": frozenset({"on", "remote_write", "remote_apply"}),
    "data_sync_retry": frozenset({"off"}),
    "zero_damaged_pages": frozenset({"off"}),
    "ignore_checksum_failure": frozenset({"off"}),
    "ignore_invalid_pages": frozenset({"off"}),
    "session_replication_role": frozenset({"origin"}),  # otherwise no trigger fires
    "server_encoding": frozenset({"UTF8"}),
}
_READ_SETTINGS = ", ".join(f"current_setting('{name}')" for name in _SETTINGS)
# Asked in the round trip that takes the lock: a server may be told otherwise while we serve.
_BEGIN_WRITING = (
    f"SELECT pg_advisory_xact_lock({WRITER_LOCK}), current_setting('transaction_read_only'), {_READ_SETTINGS}"
)
_SESSION = {
    "lock_timeout": f"{LOCK_TIMEOUT_MS}ms",
    "idle_in_transaction_session_timeout": f"{TRANSACTION_IDLE_S}s",
    "tcp_keepalives_idle": f"{_KEEPALIVE_S}s",
    "tcp_keepalives_interval": f"{_PROBE_S}s",
    "tcp_keepalives_count": f"{_PROBES}",
    "tcp_user_timeout": f"{_LOST_MS}ms",
}
_BEGIN_TURN = f"""SELECT set_config('idle_session_timeout', '{TURN_IDLE_S}s', false),
    set_config('idle_in_transaction_session_timeout', '{TURN_IDLE_S}s', false), pg_advisory_lock({TURN_LOCK})"""
_END_TURN = f"""SELECT pg_advisory_unlock({TURN_LOCK}), set_config('idle_session_timeout', '0', false),
    set_config('idle_in_transaction_session_timeout', '{TRANSACTION_IDLE_S}s', false)"""


def parse_url(text: str) -> URL:
    """The address of a database, for psycopg.

    Raises: Unavailable `database_unusable`.
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # The text may hold a password: it is not repeated.
        raise Unavailable("database_unusable", "the database must be given as postgresql+psycopg://...") from None
    if url.drivername not in ("postgresql", "postgresql+psycopg") or not url.database:
        raise Unavailable("database_unusable", "the database must be given as postgresql+psycopg://HOST/NAME")
    return url.set(drivername="postgresql+psycopg")


def shown(text: str) -> str:
    """The address without password and without options, which may hold one too."""
    return parse_url(text).set(query={}).render_as_string(hide_password=True)


def postgres_engine(text: str) -> Engine:
    """An engine whose transactions begin by taking the writers' lock, except where `reading` says otherwise."""
    engine = create_engine(
        parse_url(text),
        paramstyle="format",  # rows are given by position
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,  # a connection that died while idle says nothing about a commit
        connect_args={
            "client_encoding": "UTF8",
            "connect_timeout": CONNECT_TIMEOUT_S,
            "keepalives_idle": _KEEPALIVE_S,
            "keepalives_interval": _PROBE_S,
            "keepalives_count": _PROBES,
            "tcp_user_timeout": _LOST_MS,
        },
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _begin_writing)
    return engine


def require_settings(connection: Connection) -> None:
    """Refuse a server that may lose what it acknowledged.

    Raises: Unavailable `database_settings`.
    """
    version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one())
    if version < SERVER_VERSION_MIN:
        raise Unavailable(
            "database_settings",
            f"the server's version is {version}, it must be {SERVER_VERSION_MIN} or later",
            setting="server_version_num",
        )
    _require(connection.exec_driver_sql(f"SELECT {_READ_SETTINGS}").one())


def reading(engine: Engine) -> Connection:
    """A connection whose transaction sees one state and never waits for the writer."""
    return engine.connect().execution_options(
        begin="DEFERRED", isolation_level="REPEATABLE READ", postgresql_readonly=True
    )


@contextmanager
def turn(engine: Engine) -> Iterator[Connection]:
    """A session that holds the turn. On any error the session is closed, and the turn with it."""
    with engine.connect() as connection:
        try:
            _alone(connection, _BEGIN_TURN)
            yield connection
        except BaseException:
            connection.invalidate()
            raise
        try:
            _alone(connection, _END_TURN)
        except SQLAlchemyError:
            connection.invalidate()  # what was done in the turn is done


def _alone(connection: Connection, statement: str) -> None:
    """Run a statement outside any transaction of ours."""
    connection.execution_options(isolation_level="AUTOCOMMIT", begin="DEFERRED")
    connection.exec_driver_sql(statement)
    connection.commit()
    connection.execution_options(isolation_level="READ COMMITTED", begin="IMMEDIATE")


def _require(values: Any) -> None:
    for (name, wanted), found in zip(_SETTINGS.items(), values, strict=True):
        if found not in wanted:
            raise Unavailable(
                "database_settings", f"{name} is {found}, it must be {' or '.join(sorted(wanted))}", setting=name
            )


def _on_connect(connection: Any, record: Any) -> None:
    connection.autocommit = True
    connection.execute(
        "SELECT " + ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _SESSION.items())
    )
    connection.autocommit = False


def _begin_writing(connection: Connection) -> None:
    if connection.get_execution_options().get("begin") == "DEFERRED":
        return
    _, read_only, *settings = connection.exec_driver_sql(_BEGIN_WRITING).one()
    if read_only != "off":
        raise Unavailable(
            "database_settings",
            "this server takes no writes: it is a standby, or was set to read only",
            setting="transaction_read_only",
        )
    _require(settings)
