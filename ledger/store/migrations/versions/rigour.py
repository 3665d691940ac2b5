"""Schema 3: claims are counted by status as they change, instead of whenever somebody asks.

Going back loses what can be computed again from the log.
"""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from alembic import op

from ledger.domain.period import year_of

revision = "0003"
down_revision = "0002"

_COLUMNS = ("status", "scope", "kind", "lever", "start_day", "end_day")


def upgrade() -> None:
    """Count the claims that are there."""
    connection = op.get_bind()
    claim = sa.table("claim", *map(sa.column, _COLUMNS))
    counts: Counter[tuple[str | int, ...]] = Counter()
    # Grouped by the database, so that as many rows come as there are different periods, and not one a claim.
    grouped = sa.select(*claim.c, sa.func.count()).group_by(*claim.c)
    for row in connection.execute(grouped):
        counts[*row[:4], year_of(row.start_day), year_of(row.end_day - 1)] += row[6]
    names = ("dimension", "value", "scope", "kind", "lever", "first_year", "last_year", "grams", "claims")
    rows = [dict(zip(names, ("status", *key, 0, claims), strict=True)) for key, claims in counts.items()]
    if rows:
        connection.execute(sa.insert(sa.table("cell", *map(sa.column, names))), rows)


def downgrade() -> None:
    """Take the counts away."""
    cell = sa.table("cell", sa.column("dimension"))
    op.get_bind().execute(sa.delete(cell).where(cell.c.dimension == "status"))
