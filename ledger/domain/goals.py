"""Goals: progress, pace and projection, from sums and the moment at which they are true.

Nothing is asked of a clock: the moment is that of the log's head, so the same
log always gives the same figures.

Units: grams of CO2e; shares in parts per million, cut; paces in grams a year.
Source: RULES 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ledger.domain.period import day_of_ms, parse_whole_years
from ledger.domain.records import TargetRecord
from ledger.domain.statements.report import Cumulative
from ledger.domain.totals import CellSum, Dimension
from ledger.domain.units import PPM, parse_grams

DAYS_A_YEAR_NUMERATOR, DAYS_A_YEAR_DENOMINATOR = 1461, 4

Status = Literal["in-progress", "reached", "missed", "no_inventory"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a goal is. Figures are None where the goal's metric cannot be told yet (`no_inventory`)."""

    target: TargetRecord
    status: Status
    achieved_g: int | None = None
    goal_g: int | None = None
    share_ppm: int | None = None
    needed_g_a_year: int | None = None
    projected_g: int | None = None
    by: dict[str, dict[str, int]] = field(default_factory=dict)


def progress(target: TargetRecord, cells: Iterable[CellSum], *, now_ms: int) -> Progress:
    """Progress of one target over all cells of all dimensions.

    Neutrality and intensity rest on Inventory statements, a kind that no log of this release can hold.
    """
    subject = target.subject
    if not isinstance(subject, Cumulative):
        return Progress(target, "no_inventory")
    years = parse_whole_years(start=subject.from_, end=subject.to)
    counted = [
        held
        for held in cells
        if held.cell.dimension != "status"
        and held.cell.scope in subject.scopes
        and held.cell.kind in subject.kinds
        and years.first_year <= held.cell.first_year
        and held.cell.last_year <= years.last_year
    ]
    achieved_g = sum(held.grams for held in counted if held.cell.dimension == "all")
    goal_g = parse_grams(subject.goal)
    today = day_of_ms(now_ms)
    passed_days, left_days = max(1, today - years.start), years.end - today
    missing_g = max(0, goal_g - achieved_g)
    status: Status = "reached" if missing_g == 0 else "in-progress" if left_days > 0 else "missed"
    return Progress(
        target=target,
        status=status,
        achieved_g=achieved_g,
        goal_g=goal_g,
        share_ppm=achieved_g * PPM // goal_g,
        needed_g_a_year=_a_year(missing_g, left_days) if left_days > 0 else None,
        projected_g=achieved_g + achieved_g * max(0, left_days) // passed_days,
        by=_breakdown(counted),
    )


def _a_year(grams: int, days: int) -> int:
    return -(-grams * DAYS_A_YEAR_NUMERATOR // (DAYS_A_YEAR_DENOMINATOR * days))


def _breakdown(counted: Iterable[CellSum]) -> dict[str, dict[str, int]]:
    """Grams by kind, lever and year (of the dimension `all`) and by each further dimension."""
    by: dict[str, dict[str, int]] = {
        name: {} for name in ("kind", "lever", "year", "country", "registry", "assurance", "party")
    }

    def add(name: str, value: str, grams: int) -> None:
        by[name][value] = by[name].get(value, 0) + grams

    for held in counted:
        dimension: Dimension = held.cell.dimension
        if dimension == "all":
            add("kind", held.cell.kind, held.grams)
            add("lever", held.cell.lever, held.grams)
            add("year", str(held.cell.last_year), held.grams)
        elif dimension != "status":
            add(dimension, held.cell.value, held.grams)
    return by


def by_status(cells: Iterable[CellSum]) -> dict[str, int]:
    """Number of claims in each status."""
    counts: dict[str, int] = {}
    for held in cells:
        if held.cell.dimension == "status":
            counts[held.cell.value] = counts.get(held.cell.value, 0) + held.claims
    return {status: claims for status, claims in sorted(counts.items()) if claims}


def summary(cells: Iterable[CellSum]) -> dict[str, dict[str, int]]:
    """Everything that counts, by kind, lever, year, country, registry, assurance and party, in grams."""
    return _breakdown(cells)
