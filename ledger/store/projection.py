"""Records and rows: one codec for every record type, driven by the record's own fields.

Source: DESIGN 5 (every column that is shown or decided on can be rebuilt from the log).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Row, Table, Text
from sqlalchemy.dialects import postgresql, sqlite

from ledger.domain import records
from ledger.domain.records import Record
from ledger.domain.totals import CellSum
from ledger.store.tables import CELL, HISTORY, TABLE_OF, column_type, table_name

R = TypeVar("R", bound=Record)

# Records whose making is kept entry by entry: what a claim's page and a certificate's attachments need.
HISTORIES: frozenset[type[Record]] = frozenset(
    {
        records.ProgrammeRecord,
        records.PartyRecord,
        records.KeyRecord,
        records.AccreditationRecord,
        records.DocumentRecord,
        records.ClaimRecord,
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

    def to_row(self, record: Record) -> dict[str, Any]:
        return {
            name: getattr(record, name) if decoder is None else msgspec.json.encode(getattr(record, name)).decode()
            for name, decoder in zip(self.names, self.decoders, strict=True)
        }

    def from_row(self, row: Row[Any] | Sequence[Any]) -> Any:
        return self.shape(
            *[
                value if decoder is None else decoder.decode(value)
                for value, decoder in zip(row, self.decoders, strict=True)
            ]
        )


def _is_json(annotation: Any) -> bool:
    sql, _ = column_type(annotation)
    if sql is not Text:
        return False
    plain = msgspec.inspect.type_info(annotation)
    members = plain.types if isinstance(plain, msgspec.inspect.UnionType) else (plain,)
    scalar = (msgspec.inspect.StrType, msgspec.inspect.LiteralType, msgspec.inspect.NoneType)
    return not all(isinstance(member, scalar) for member in members)


CODECS: dict[type[Record], _Codec] = {shape: _Codec(shape) for shape in TABLE_OF}


def to_row(record: Record) -> dict[str, Any]:
    """The columns of a record."""
    return CODECS[type(record)].to_row(record)


def from_row(shape: type[R], row: Row[Any] | Sequence[Any]) -> R:
    """The record of a row whose columns are in the order of the fields."""
    return CODECS[shape].from_row(row)  # type: ignore[no-any-return]


def insert(connection: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, in the dialect of the connection."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def identity_text(record: Record) -> str:
    """A record's identity as one text, for the history."""
    return msgspec.json.encode(record.identity).decode()


def write_records(connection: Connection, latest: Iterable[Record]) -> None:
    """Insert or replace records by identity, one statement a table."""
    rows: dict[type[Record], list[dict[str, Any]]] = {}
    for record in latest:
        rows.setdefault(type(record), []).append(to_row(record))
    for shape, values in rows.items():
        table = TABLE_OF[shape]
        statement = insert(connection, table)
        others = {name: statement.excluded[name] for name in CODECS[shape].names if name not in shape.KEY}
        if shape is not records.StatementRecord:
            statement = statement.on_conflict_do_update(index_elements=list(shape.KEY), set_=others)
        connection.execute(statement, values)


def write_history(connection: Connection, touched: Iterable[tuple[Record, int]]) -> None:
    """Note which entry touched which record."""
    rows = [
        {"kind": table_name(type(record)), "identity": identity_text(record), "index": index}
        for record, index in touched
        if type(record) in HISTORIES
    ]
    if rows:
        statement = insert(connection, HISTORY).on_conflict_do_nothing()
        connection.execute(statement, rows)


def add_sums(connection: Connection, sums: Iterable[CellSum]) -> None:
    """Add differences to the cells."""
    rows = [{**one.cell._asdict(), "grams": one.grams, "claims": one.claims} for one in sums]
    if rows:
        statement = insert(connection, CELL)
        statement = statement.on_conflict_do_update(
            index_elements=[column.name for column in CELL.primary_key.columns],
            set_={
                "grams": CELL.c.grams + statement.excluded.grams,
                "claims": CELL.c.claims + statement.excluded.claims,
            },
        )
        connection.execute(statement, rows)
