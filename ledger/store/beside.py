"""Rows beside the log: uploaded evidence, drafts, assertions that were used. Tenants are separated in each query.

Source: DESIGN 6; THREATS T16, T18, H10.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, delete, func, select

from ledger.store.faults import told
from ledger.store.projection import insert_rows
from ledger.store.service_tables import DRAFT, EVIDENCE, USED_ASSERTION


class Held(NamedTuple):
    """That a party uploaded bytes of a digest for a claim; columns in the order of the table."""

    claim: str
    digest: str
    owner: str
    size: int
    public: bool
    stored_ms: int


class Kept(NamedTuple):
    """A draft without its bytes."""

    id: str
    size: int
    changed_ms: int


class Used(NamedTuple):
    """How much a party holds."""

    files: int
    size: int


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction on the tables beside the log, committed at its end.

    Raises: Unavailable `busy`, `database_unusable`.
    """
    with told(), engine.begin() as connection:
        yield connection


# Evidence


def holders(connection: Connection, *, claim: str, digest: str) -> list[Held]:
    """Who uploaded these bytes for this claim."""
    same = (EVIDENCE.c.claim == claim, EVIDENCE.c.digest == digest)
    return [Held(*row) for row in connection.execute(select(EVIDENCE).where(*same))]


def evidence_used(connection: Connection, owner: str) -> Used:
    """Number and bytes of a party's evidence."""
    figures = select(func.count(), func.coalesce(func.sum(EVIDENCE.c.size), 0)).where(EVIDENCE.c.owner == owner)
    return _used(connection.execute(figures).one())


def write_evidence(connection: Connection, held: Held) -> None:
    """Note an upload, or what changed of it."""
    insert_rows(connection, EVIDENCE, [held], on_conflict="replace")


# Drafts


def drafts(connection: Connection, owner: str) -> list[Kept]:
    """A party's drafts, the latest change first."""
    columns = (DRAFT.c.id, func.length(DRAFT.c.body), DRAFT.c.changed_ms)
    query = select(*columns).where(DRAFT.c.owner == owner).order_by(DRAFT.c.changed_ms.desc(), DRAFT.c.id)
    return [Kept(*row) for row in connection.execute(query)]


def draft(connection: Connection, owner: str, identity: str) -> bytes | None:
    """The bytes of one draft."""
    query = select(DRAFT.c.body).where(DRAFT.c.owner == owner, DRAFT.c.id == identity)
    found = connection.execute(query).scalar()
    return None if found is None else bytes(found)


def drafts_kept(connection: Connection, owner: str) -> int:
    """Number of a party's drafts."""
    return int(connection.execute(select(func.count()).where(DRAFT.c.owner == owner)).scalar_one())


def write_draft(connection: Connection, owner: str, identity: str, body: bytes, *, changed_ms: int) -> None:
    """Keep a draft, or another version of it."""
    insert_rows(connection, DRAFT, [(owner, identity, body, changed_ms)], on_conflict="replace")


def delete_draft(connection: Connection, owner: str, identity: str) -> bool:
    """Remove a draft; False where there is none."""
    gone = connection.execute(delete(DRAFT).where(DRAFT.c.owner == owner, DRAFT.c.id == identity))
    return gone.rowcount == 1


# Assertions


def use_assertion(connection: Connection, jti: str, *, expires_ms: int, forget_before_ms: int) -> bool:
    """Use an assertion up; False where it was used before. Those that expired long ago are forgotten."""
    connection.execute(delete(USED_ASSERTION).where(USED_ASSERTION.c.expires_ms < forget_before_ms))
    if connection.execute(select(USED_ASSERTION.c.jti).where(USED_ASSERTION.c.jti == jti)).first() is not None:
        return False
    insert_rows(connection, USED_ASSERTION, [(jti, expires_ms)])
    return True


def _used(row: Any) -> Used:
    return Used(int(row[0]), int(row[1]))
