"""Schema 2: the tables of the service beside the log, and indexes for its lists.

Going back loses them, and nothing of the log.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TYPES: dict[str, Any] = {"int": sa.BigInteger(), "bool": sa.Boolean(), "bytes": sa.LargeBinary(), "text": _TEXT}

# Column:type, with * for the primary key, ? where it may be null, and + where it has an index.
_TABLES = {
    "evidence": "*claim:text *digest:text *owner:text size:int public:bool stored_ms:int",
    "draft": "*owner:text *id:text body:bytes changed_ms:int",
    "used_assertion": "*jti:text +expires_ms:int",
    "subscription": "*id:text +owner:text url:text filters:text created_ms:int next_index:int delivered:int",
    "delivery": "*subscription:text *index:int attempts:int +due_ms:int dead:bool problem:text?",
}
_INDEXES = (
    ("statement", ["kind", "index"]),
    ("claim", ["status", "index"]),
    ("attestation", ["index"]),
    ("attestation", ["claim"]),
)


def upgrade() -> None:
    """Make the tables and their indexes."""
    for table, on in _INDEXES:
        op.create_index(f"{table}_by_{'_'.join(on)}", table, on)
    for name, columns in _TABLES.items():
        op.create_table(name, *map(_column, columns.split()))
        for text in columns.split():
            if text.startswith("+"):
                column = text[1:].partition(":")[0]
                op.create_index(f"ix_{name}_{column}", name, [column])


def downgrade() -> None:
    """Take the tables away, with what is in them."""
    for name in reversed(_TABLES):
        op.drop_table(name)
    for table, on in _INDEXES:
        op.drop_index(f"{table}_by_{'_'.join(on)}", table)


def _column(text: str) -> sa.Column[Any]:
    name, kind = text.lstrip("*+").rstrip("?").split(":")
    return sa.Column(
        name, _TYPES[kind], primary_key=text.startswith("*"), autoincrement=False, nullable=text.endswith("?")
    )
