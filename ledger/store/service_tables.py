"""Tables of the service beside the log: nothing in them is decided by the log or counts for it.

They may be lost without any harm to what was recorded, and `fsck` leaves them
alone: uploaded evidence and who may see it, drafts, assertions that were used
up, and who is told of new entries.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary
from sqlmodel import Field, SQLModel

from ledger.store.tables import TEXT


class EvidenceRow(SQLModel, table=True):
    """That a party uploaded bytes of this digest for a claim, which may not be recorded yet."""

    __tablename__ = "evidence"
    claim: str = Field(sa_column=Column(TEXT, primary_key=True))
    digest: str = Field(sa_column=Column(TEXT, primary_key=True))
    owner: str = Field(sa_column=Column(TEXT, primary_key=True))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    public: bool = Field(sa_column=Column(Boolean, nullable=False))
    stored_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class DraftRow(SQLModel, table=True):
    """Bytes that a party keeps here before it signs them, or between two signatures."""

    __tablename__ = "draft"
    owner: str = Field(sa_column=Column(TEXT, primary_key=True))
    id: str = Field(sa_column=Column(TEXT, primary_key=True))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    changed_ms: int = Field(sa_column=Column(BigInteger, nullable=False))


class AssertionRow(SQLModel, table=True):
    """A client assertion that was used, until it has expired anyway."""

    __tablename__ = "used_assertion"
    jti: str = Field(sa_column=Column(TEXT, primary_key=True))
    expires_ms: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))


class SubscriptionRow(SQLModel, table=True):
    """Who is told of new entries, of which, and how far it has been told (`next_index`)."""

    __tablename__ = "subscription"
    id: str = Field(sa_column=Column(TEXT, primary_key=True))
    owner: str = Field(sa_column=Column(TEXT, nullable=False, index=True))
    url: str = Field(sa_column=Column(TEXT, nullable=False))
    filters: str = Field(sa_column=Column(TEXT, nullable=False))
    created_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    next_index: int = Field(sa_column=Column(BigInteger, nullable=False))
    delivered: int = Field(sa_column=Column(BigInteger, nullable=False))


class DeliveryRow(SQLModel, table=True):
    """An entry that a subscriber has still to be told of; dead when it was tried often enough."""

    __tablename__ = "delivery"
    subscription: str = Field(sa_column=Column(TEXT, primary_key=True))
    index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    attempts: int = Field(sa_column=Column(BigInteger, nullable=False))
    due_ms: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    dead: bool = Field(sa_column=Column(Boolean, nullable=False))
    problem: str | None = Field(default=None, sa_column=Column(TEXT, nullable=True))


EVIDENCE, DRAFT, USED_ASSERTION, SUBSCRIPTION, DELIVERY = (
    SQLModel.metadata.tables[str(row.__tablename__)]
    for row in (EvidenceRow, DraftRow, AssertionRow, SubscriptionRow, DeliveryRow)
)
