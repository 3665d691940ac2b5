"""Records and rows: one codec for every record type, driven by the record's own fields.

Source: DESIGN 5 (every column that is shown or decided on can be rebuilt from the log).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import Connection, Dialect, Row, Table
from sqlalchemy.dialects import postgresql, sqlite

from ledger.domain import records
from ledger.domain.records import Record
from ledger.domain.totals import CellSum
from ledger.store.tables import CELL, HISTORY, TABLE_OF, TEXT, column_type, table_name

R = TypeVar("R", bound=Record)

# What an insert does where its key is taken: replace the other columns, or add to them.
OnConflict = Literal["fail", "ignore", "replace", "add"]

# Records whose making is kept entry by entry: what a claim's page and a certificate's attachments need.
HISTORIES: frozenset[type[Record]] = frozenset(
    {
        records.ProgrammeRecord,
        records.PartyRecord,
        records.KeyRecord,
        records.AccreditationRecord,
        records.DocumentRecord,
        records.ClaimRecord,
        records.FindingRecord,
    }
)


class _Codec:
    """How the fields of one record type become columns."""

    def __init__(self, shape: type[Record]) -> None:
        fields = msgspec.structs.fields(shape)
        self.shape = shape
        self.table: Table = TABLE_OF[shape]
        self.names = [field.name for field in fields]
        # A scalar is stored as it is; tuples, structs and dicts as JSON text.
        self.decoders = [msgspec.json.Decoder(field.type) if _is_json(field.type) else None for field in fields]

    def to_row(self, record: Record) -> tuple[Any, ...]:
        """The columns of a record, in the order of its fields."""
        row = msgspec.structs.astuple(record)
        return tuple(
            [
                value if decoder is None else msgspec.json.encode(value).decode()
                for value, decoder in zip(row, self.decoders, strict=True)
            ]
        )

    def from_row(self, row: Row[Any] | Sequence[Any]) -> Any:
        return self.shape(
            *[
                value if decoder is None else decoder.decode(value)
                for value, decoder in zip(row, self.decoders, strict=True)
            ]
        )


def _is_json(annotation: Any) -> bool:
    sql, _ = column_type(annotation)
    if sql is not TEXT:
        return False
    plain = msgspec.inspect.type_info(annotation)
    members = plain.types if isinstance(plain, msgspec.inspect.UnionType) else (plain,)
    scalar = (msgspec.inspect.StrType, msgspec.inspect.LiteralType, msgspec.inspect.NoneType)
    return not all(isinstance(member, scalar) for member in members)


CODECS: dict[type[Record], _Codec] = {shape: _Codec(shape) for shape in TABLE_OF}


def from_row(shape: type[R], row: Row[Any] | Sequence[Any]) -> R:
    """The record of a row whose columns are in the order of the fields."""
    return CODECS[shape].from_row(row)  # type: ignore[no-any-return]


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], *, on_conflict: OnConflict = "fail"
) -> None:
    """Insert rows, each with its values in the order of the table's columns."""
    if rows:
        connection.exec_driver_sql(_insertion(connection.dialect, table, on_conflict), list(rows))


@lru_cache(maxsize=256)
def _insertion(dialect: Dialect, table: Table, on_conflict: OnConflict) -> str:
    """The INSERT, spelled once; the driver then takes rows as they are, at a third of the cost a row."""
    statement: Any = (postgresql if dialect.name == "postgresql" else sqlite).insert(table)
    keys = [column.name for column in table.primary_key.columns]
    given = statement.excluded
    if on_conflict == "ignore":
        statement = statement.on_conflict_do_nothing()
    elif on_conflict == "replace":
        others = {column.name: given[column.name] for column in table.columns if not column.primary_key}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=others)
    elif on_conflict == "add":
        sums = {column.name: column + given[column.name] for column in table.columns if not column.primary_key}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=sums)
    compiled = statement.compile(dialect=dialect)
    assert compiled.positiontup == [column.name for column in table.columns], "rows are given by position"
    return str(compiled)


def identity_text(record: Record) -> str:
    """A record's identity as one text, for the history."""
    return msgspec.json.encode(record.identity).decode()


def write_records(connection: Connection, latest: Iterable[Record]) -> None:
    """Insert or replace records by identity, one statement a table."""
    rows: dict[type[Record], list[tuple[Any, ...]]] = {}
    for record in latest:
        shape = type(record)
        rows.setdefault(shape, []).append(CODECS[shape].to_row(record))
    for shape, values in rows.items():
        once = shape is records.StatementRecord
        insert_rows(connection, TABLE_OF[shape], values, on_conflict="fail" if once else "replace")


def write_history(connection: Connection, touched: Iterable[tuple[Record, int]]) -> None:
    """Note which entry touched which record."""
    rows = [
        (table_name(type(record)), identity_text(record), index)
        for record, index in touched
        if type(record) in HISTORIES
    ]
    insert_rows(connection, HISTORY, rows, on_conflict="ignore")


def add_sums(connection: Connection, sums: Iterable[CellSum]) -> None:
    """Add differences to the cells."""
    insert_rows(connection, CELL, [(*one.cell, one.grams, one.claims) for one in sums], on_conflict="add")
