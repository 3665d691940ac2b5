"""Calendar days and half-open periods, as day numbers since 1970-01-01 (UTC).

Source: RULES 2 and 9.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from ledger.errors import Malformed

DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1).toordinal()


class Period(NamedTuple):
    """Days from `start` up to, but not including, `end`, so that neighbours touch without counting a day twice."""

    start: int
    end: int

    @property
    def days(self) -> int:
        """Length in days."""
        return self.end - self.start

    @property
    def first_year(self) -> int:
        """Calendar year of the first day."""
        return year_of(self.start)

    @property
    def last_year(self) -> int:
        """Calendar year of the last day: the year in which a claim is counted."""
        return year_of(self.end - 1)

    def overlaps(self, other: Period) -> bool:
        """Whether the two share a day; touching periods do not."""
        return self.start < other.end and other.start < self.end


@lru_cache(maxsize=65536)
def parse_day(text: str) -> int:
    """Day number of `YYYY-MM-DD`, which must exist in the calendar.

    Raises: Malformed `bad_date`.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Malformed("bad_date", f"{text!r} is no day of the calendar", date=text) from None
    return day.toordinal() - _EPOCH


def format_day(day: int) -> str:
    """`YYYY-MM-DD` of a day number."""
    return date.fromordinal(day + _EPOCH).isoformat()


@lru_cache(maxsize=65536)
def year_of(day: int) -> int:
    """Calendar year of a day number."""
    return date.fromordinal(day + _EPOCH).year


def first_day(year: int) -> int:
    """Day number of the first of January."""
    return date(year, 1, 1).toordinal() - _EPOCH


def day_of_ms(recorded_at_ms: int) -> int:
    """Day number in which a moment lies (milliseconds since 1970, UTC)."""
    return recorded_at_ms // DAY_MS


def parse_period(*, start: str, end: str) -> Period:
    """A half-open period of at least one day.

    Raises: Malformed `bad_date` or `period_reversed`.
    """
    period = Period(parse_day(start), parse_day(end))
    if period.start >= period.end:
        raise Malformed(
            "period_reversed", f"the period must end after it begins: {start} .. {end}", start=start, end=end
        )
    return period


def parse_whole_years(*, start: str, end: str) -> Period:
    """A period that runs from one first of January to a later one.

    Totals are kept by calendar year, so sums over other periods would not be exact.
    Raises: Malformed `bad_date`, `period_reversed` or `period_not_whole_years`.
    """
    period = parse_period(start=start, end=end)
    if not (start.endswith("-01-01") and end.endswith("-01-01")):
        raise Malformed(
            "period_not_whole_years",
            f"{start} .. {end} must run from a first of January to another",
            start=start,
            end=end,
        )
    return period
