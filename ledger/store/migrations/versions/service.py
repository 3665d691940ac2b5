"""Schema 2: findings, the tables of the service beside the log, and indexes for its lists.

Going back loses the tables of the service, and nothing of the log.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.errors import Unavailable

revision = "0002"
down_revision = "0001"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_TYPES: dict[str, Any] = {"int": sa.BigInteger(), "bool": sa.Boolean(), "bytes": sa.LargeBinary(), "text": _TEXT}

# What the rule book remembers of findings; a release of schema 1 recorded none, so every count begins at 0.
_FINDING = (
    "*id:text index:int claim:text verifier:text type:text round:int deadline_ms:int status:text responses:text "
    "changed_index:int"
)
_FINDING_INDEXES = (["index"], ["claim", "index"], ["verifier", "index"])
_COUNTS_OF_CLAIM = ("findings", "open_findings", "open_cars")

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
    """Make the tables and their indexes, and the new columns of `claim`."""
    op.create_table("finding", *map(_column, _FINDING.split()), sqlite_with_rowid=False)
    for on in _FINDING_INDEXES:
        op.create_index(f"finding_by_{'_'.join(on)}", "finding", on)
    for count in _COUNTS_OF_CLAIM:
        op.add_column("claim", sa.Column(count, sa.BigInteger(), nullable=False, server_default="0"))
    for table, on in _INDEXES:
        op.create_index(f"{table}_by_{'_'.join(on)}", table, on)
    for name, columns in _TABLES.items():
        op.create_table(name, *map(_column, columns.split()))
        for text in columns.split():
            if text.startswith("+"):
                column = text[1:].partition(":")[0]
                op.create_index(f"ix_{name}_{column}", name, [column])


def downgrade() -> None:
    """Take the tables away, with what is in them.

    Raises: Unavailable `schema_version` where the log holds findings, which an older release cannot read.
    """
    if op.get_bind().exec_driver_sql("SELECT 1 FROM finding LIMIT 1").first() is not None:
        raise Unavailable("schema_version", "the log holds findings, which no release of schema 1 can read")
    for count in _COUNTS_OF_CLAIM:
        op.drop_column("claim", count)
    op.drop_table("finding")
    for name in reversed(_TABLES):
        op.drop_table(name)
    for table, on in _INDEXES:
        op.drop_index(f"{table}_by_{'_'.join(on)}", table)


def _column(text: str) -> sa.Column[Any]:
    name, kind = text.lstrip("*+").rstrip("?").split(":")
    return sa.Column(
        name, _TYPES[kind], primary_key=text.startswith("*"), autoincrement=False, nullable=text.endswith("?")
    )
