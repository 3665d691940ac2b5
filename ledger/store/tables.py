"""The tables: the log itself, the tree, and one table for each kind of record of the rule book.

Rows are never domain objects: they are written from checked records and read
back into them by `projection`. Every column outside `entry` can be recomputed
from `entry`, and `fsck` does so.

Amounts, sizes and indexes are BigInteger everywhere, because a plain integer
column is 32 bits wide on PostgreSQL. Index numbers come from the sequencer.
"""

from __future__ import annotations

import types
import typing
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, Table, Text
from sqlmodel import Field, SQLModel

from ledger.domain import records
from ledger.domain.records import Record

# Raised with every change of the tables; a database of another version is refused.
SCHEMA_VERSION = 3

# Compared and put in order byte by byte on both databases, whatever the language of the server.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")

_IN_KEY_ORDER = {"sqlite_with_rowid": False}


class EntryRow(SQLModel, table=True):
    """One entry of the log: the bytes that were signed, and their leaf hash. Append-only."""

    __tablename__ = "entry"
    index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    leaf_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    bytes_: bytes = Field(sa_column=Column("bytes", LargeBinary, nullable=False))


class TileRow(SQLModel, table=True):
    """One tile of the tree; the last of each level grows, full ones never change."""

    __tablename__ = "tile"
    level: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class HeadRow(SQLModel, table=True):
    """The head of the log, and the last checkpoint that was signed (of `checkpoint_size` entries)."""

    __tablename__ = "head"
    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    size: int = Field(sa_column=Column(BigInteger, nullable=False))
    root: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    recorded_at_ms: int = Field(sa_column=Column(BigInteger, nullable=False))
    checkpoint_size: int = Field(sa_column=Column(BigInteger, nullable=False))
    checkpoint: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))


class CellRow(SQLModel, table=True):
    """One sum of what counts (`ledger.domain.totals`)."""

    __tablename__ = "cell"
    __table_args__ = _IN_KEY_ORDER
    dimension: str = Field(sa_column=Column(TEXT, primary_key=True))
    value: str = Field(sa_column=Column(TEXT, primary_key=True))
    scope: str = Field(sa_column=Column(TEXT, primary_key=True))
    kind: str = Field(sa_column=Column(TEXT, primary_key=True))
    lever: str = Field(sa_column=Column(TEXT, primary_key=True))
    first_year: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    last_year: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    grams: int = Field(sa_column=Column(BigInteger, nullable=False))
    claims: int = Field(sa_column=Column(BigInteger, nullable=False))


class HistoryRow(SQLModel, table=True):
    """Which entries made a record what it is."""

    __tablename__ = "history"
    __table_args__ = _IN_KEY_ORDER
    kind: str = Field(sa_column=Column(TEXT, primary_key=True))
    identity: str = Field(sa_column=Column(TEXT, primary_key=True))
    index: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


RECORDS: tuple[type[Record], ...] = (
    records.StatementRecord,
    records.ProgrammeRecord,
    records.PartyRecord,
    records.KeyRecord,
    records.AccreditationRecord,
    records.DocumentRecord,
    records.FactorSetRecord,
    records.MethodologyRecord,
    records.TargetRecord,
    records.ClaimRecord,
    records.CountedRecord,
    records.RunningRecord,
    records.FindingRecord,
    records.AttestationRecord,
    records.CertificateRecord,
)

# Look-ups that are not by identity. Large indexes begin with the party or the thing, for locality.
_INDEXES: dict[str, tuple[tuple[str, ...], ...]] = {
    "statement": (("index",), ("kind", "index")),
    "key": (("owner",),),
    "accreditation": (("verifier",),),
    "claim": (("index",), ("claimant", "index"), ("status", "index")),
    "attestation": (("index",), ("claim",)),
    "finding": (("index",), ("claim", "index"), ("verifier", "index")),
}


# SQLite keeps small rows in the tree of their primary key alone; large ones would burst its pages.
_WITH_ROWID = frozenset({"programme", "factor_set", "methodology", "target", "claim", "certificate", "accreditation"})


def table_name(shape: type[Record]) -> str:
    """`ClaimRecord` -> `claim`, `FactorSetRecord` -> `factor_set`."""
    name = shape.__name__.removesuffix("Record")
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def column_type(annotation: Any) -> tuple[Any, bool]:
    """SQL type of a record's field, and whether it may be null; what is no scalar becomes JSON text."""
    nullable = False
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(annotation) if member is not type(None)]
        nullable, annotation = True, members[0]
    if annotation is bool:
        return Boolean, nullable
    if annotation is int:
        return BigInteger, nullable
    return TEXT, nullable


def _record_table(shape: type[Record]) -> Table:
    name = table_name(shape)
    columns = []
    for field in msgspec.structs.fields(shape):
        sql, nullable = column_type(field.type)
        primary = field.name in shape.KEY
        # A number that came later has its default in the table too, for the rows that were there before it.
        default = str(field.default) if isinstance(field.default, int) else None
        columns.append(
            Column(field.name, sql, primary_key=primary, autoincrement=False, nullable=nullable, server_default=default)
        )
    indexes = [Index(f"{name}_by_{'_'.join(on)}", *on) for on in _INDEXES.get(name, ())]
    return Table(name, SQLModel.metadata, *columns, *indexes, sqlite_with_rowid=name in _WITH_ROWID)


TABLE_OF: dict[type[Record], Table] = {shape: _record_table(shape) for shape in RECORDS}
ENTRY, TILE, HEAD, CELL, HISTORY = (
    SQLModel.metadata.tables[str(row.__tablename__)] for row in (EntryRow, TileRow, HeadRow, CellRow, HistoryRow)
)
