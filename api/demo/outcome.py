"""What the demonstration aims at and what became of each row."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ledger.domain.statements.members import Subject
from ledger.domain.statements.report import Cumulative, Intensity, Neutrality

TARGETS: tuple[Subject, ...] = (
    Cumulative(
        id="gigatonnes-2035", version=1, title="1.5 gigatonnes across the ecosystem (Scope 3+) by 2035",
        scopes=("3+",), kinds=("reduction", "avoided", "removal"), from_="2021-01-01", to="2036-01-01",
        goal="1500000000000.000",
    ),
    Neutrality(
        id="neutral-2030", version=1, title="Carbon neutral in Scope 1 and 2 by 2030",
        scopes=("1", "2"), from_="2030-01-01", to="2031-01-01", goal="0.000",
    ),
    Intensity(
        id="intensity-2030", version=1, title="Scope 3 intensity halved by 2030 against 2020",
        scopes=("3",), from_="2030-01-01", to="2031-01-01", base_year=2020, goal_ppm=500_000,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of one row: `verified`, `no_verifier`, or the code that refused it."""

    line: int
    project_id: str
    registry: str
    outcome: str
    message: str
    index: int | None = None
    amount_g: int = 0


@dataclass
class Outcome:
    """What the job did, row by row, and where its files are."""

    directory: Path
    rows: list[RowResult] = field(default_factory=list)
    computed: list[int] = field(default_factory=list)

    def count(self) -> dict[str, int]:
        """Number of rows by outcome."""
        counts: dict[str, int] = {}
        for row in self.rows:
            counts[row.outcome] = counts.get(row.outcome, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
