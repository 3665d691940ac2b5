"""Schema 1: the log, the tree, the head, the sums, and a table for each kind of record.

Frozen as it was released: it does not follow the tables of later releases. A test holds the sum of all
revisions equal to `ledger.store.tables`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.errors import Unavailable
from ledger.store.guards import create_guards, drop_functions

revision = "0001"
down_revision = None

_TYPES: dict[str, Any] = {
    "int": sa.BigInteger(),
    "bool": sa.Boolean(),
    "bytes": sa.LargeBinary(),
    "text": sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
}

# Column:type, with * for the primary key and ? where it may be null.
_TABLES = {
    "entry": "*index:int leaf_hash:bytes bytes:bytes",
    "tile": "*level:int *index:int hashes:bytes",
    "head": "*id:int size:int root:bytes recorded_at_ms:int checkpoint_size:int checkpoint:bytes?",
    "cell": "*dimension:text *value:text *scope:text *kind:text *lever:text *first_year:int *last_year:int "
    "grams:int claims:int",
    "history": "*kind:text *identity:text *index:int",
    "statement": "*id:text index:int entry_hash:text kind:text issuer:text",
    "programme": "*name:text ledger:text index:int subject:text",
    "party": "*id:text legal_name:text country:text? roles:text ultimate_owner:text ecosystem_role:text? index:int",
    "key": "*key:text owner:text serves:text purposes:text added_index:int revoked_index:int?",
    "accreditation": "*id:text index:int accreditor:text accreditor_key:text verifier:text keys:text standards:text "
    "families:text sectors:text levels:text from_day:int until_day:int status:text",
    "document": "*kind:text *id:text issuer:text version:int",
    "factor_set": "*id:text *version:int index:int issuer:text title:text factors:text",
    "methodology": "*id:text *version:int index:int entry_hash:text issuer:text approver:text subject:text "
    "factors:text",
    "target": "*id:text *version:int index:int subject:text?",
    "claim": "*id:text index:int entry_hash:text claimant:text methodology:text methodology_version:int kind:text "
    "quality:text scope:text lever:text country:text registry:text start_day:int end_day:int counted_by:text "
    "shares:text stated_g:int quorum:int status:text attestations:text verified_g:int reversed_g:int "
    "current_g:int lost_g:int changed_index:int superseded_by:text? suspended_by:text?",
    "counted": "*uri:text *start_day:int *claim:text end_day:int live:bool",
    "running": "*claimant:text *methodology:text *year:int stated_g:int",
    "attestation": "*id:text index:int claim:text verifier:text revoked_index:int?",
    "certificate": "*number:text id:text index:int entry_hash:text holder:text claims:text as_of_size:int "
    "valid_until_day:int revoked_index:int?",
}
_WITH_ROWID = frozenset(
    {
        *("entry", "tile", "head", "programme", "factor_set", "methodology"),
        *("target", "claim", "certificate", "accreditation"),
    }
)
_INDEXES = (
    ("statement", ["index"]),
    ("key", ["owner"]),
    ("accreditation", ["verifier"]),
    ("claim", ["index"]),
    ("claim", ["claimant", "index"]),
)


def upgrade() -> None:
    """Make the tables, their indexes and their guards."""
    for name, columns in _TABLES.items():
        op.create_table(name, *map(_column, columns.split()), sqlite_with_rowid=name in _WITH_ROWID)
    for table, on in _INDEXES:
        op.create_index(f"{table}_by_{'_'.join(on)}", table, on)
    create_guards(op.get_bind())


def downgrade() -> None:
    """Take an empty log away.

    Raises: Unavailable `schema_version` where there are entries.
    """
    connection = op.get_bind()
    if connection.exec_driver_sql("SELECT 1 FROM entry LIMIT 1").first() is not None:
        raise Unavailable("schema_version", "there is no schema before the first that could hold these entries")
    for name in reversed(_TABLES):
        op.drop_table(name)
    drop_functions(connection)


def _column(text: str) -> sa.Column[Any]:
    name, kind = text.lstrip("*").rstrip("?").split(":")
    return sa.Column(
        name, _TYPES[kind], primary_key=text.startswith("*"), autoincrement=False, nullable=text.endswith("?")
    )
