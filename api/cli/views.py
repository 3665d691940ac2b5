"""Tables of totals and goals, drawn for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from api.cli.output import table, tonnes
from ledger.domain.units import format_tonnes

if TYPE_CHECKING:  # these pull in the database, which --help and the checking processes do without
    from ledger.domain.goals import Progress
    from ledger.service.answers import AsOf, Goals, Totals

_LINES_MAX = 12
_BAR_CELLS = 24
PPM = 1_000_000


def as_of_line(as_of: AsOf) -> Text:
    """The line of truth: at which checkpoint the figures hold."""
    return Text(f"true at {as_of.size} entries of {as_of.origin}, root {as_of.root[:16]}…, {as_of.recorded_at}", "dim")


def breakdown(totals: Totals, dimension: str, names: dict[str, str] | None = None) -> Table:
    """Tonnes by the values of one dimension, largest first (years in their order)."""
    held = totals.by[dimension]
    order = sorted(held) if dimension == "year" else sorted(held, key=lambda value: (-held[value], value))
    shown = table(dimension, "t CO2e", "", right=[1])
    largest = max(held.values(), default=0)
    for value in order[:_LINES_MAX]:
        shown.add_row((names or {}).get(value, value), tonnes(held[value]), bar(held[value], largest))
    rest = order[_LINES_MAX:]
    if rest:
        shown.add_row(f"{len(rest)} more", tonnes(sum(held[value] for value in rest)), "")
    return shown


def bar(part: int, whole: int) -> Text:
    """A bar of blocks, in eighths."""
    if part <= 0 or whole <= 0:
        return Text("")
    eighths = max(1, part * _BAR_CELLS * 8 // whole)
    return Text("█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip(), "green")


def goals_table(goals: Goals) -> Table:
    """Every goal: how far, and at which pace."""
    shown = table("goal", "verified t CO2e", "of goal", "needed t a year", "projected t", right=[1, 2, 3, 4])
    for one in goals.goals:
        shown.add_row(one.target.subject.title, *_figures(one))
    return shown


def _figures(one: Progress) -> tuple[Text | str, ...]:
    if one.achieved_g is None or one.share_ppm is None:
        return (Text(one.status, "dim"), "", "", "")
    needed = "" if one.needed_g_a_year is None else format_tonnes(one.needed_g_a_year).partition(".")[0]
    projected = "" if one.projected_g is None else format_tonnes(one.projected_g).partition(".")[0]
    return tonnes(one.achieved_g), share(one.share_ppm), needed, projected


def share(ppm: int) -> str:
    """Parts per million as percent with four decimals, cut."""
    return f"{ppm * 100 // PPM}.{ppm * 100 % PPM // 100:04d} %"
