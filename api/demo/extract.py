"""Registry exports -> the demonstration's input, one row an issuance, as facts.

Nothing is repaired or invented here: a field that a registry does not publish stays empty, a value that
cannot be read stays as published, and rows that the ledger will refuse stay in. `SOURCES.md` beside this
file says where the exports came from and why each column is derived as it is.

    python -m api.demo.extract REGISTRIES_DIR > issuances.csv

REGISTRIES_DIR holds one folder a registry, each with its `issuances.csv`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TextIO

from api.country import country_alpha2
from ledger.errors import Malformed

COLUMNS = (
    "registry",
    "project_id",
    "project_name",
    "developer",
    "country",
    "lever",
    "kind",
    "methodology",
    "period_start",
    "period_end",
    "quantity_tco2e",
    "serial",
    "verifier",
)

Published = Mapping[str, str]
Row = dict[str, str]

# The few methodologies that name a lever of ours; what is neither here nor a removal is `other`.
_LEVERS = {
    "Certified Reclaimed HFC Refrigerants, Propellants, and Fire Suppressants": "circular-economy",
    "Advanced Refrigeration Systems": "greener-product",
}


def rows(folder: Path) -> Iterator[Row]:
    """Every issuance of every registry that has a folder here, in the order of publication in each file."""
    for registry, read in sorted(_REGISTRIES.items()):
        with (folder / registry / "issuances.csv").open(encoding="utf-8-sig", newline="") as file:
            yield from registry_rows(registry, read, csv.DictReader(file, restval=""))


def registry_rows(registry: str, read: Callable[[Published], Row], published: Iterable[Published]) -> Iterator[Row]:
    """The rows of one registry, each with every column."""
    for issuance in published:
        trimmed = {_trimmed(name): _trimmed(value) for name, value in issuance.items()}
        row = read(trimmed)
        methodology = trimmed.get("Project Methodology/Protocol", "")
        row["lever"] = "removal" if row["kind"] == "removal" else _LEVERS.get(methodology, "other")
        yield {"registry": registry, "serial": "", **row}


def write(out: TextIO, issuances: Iterable[Row]) -> None:
    """Write the rows as CSV with one line ending on every machine."""
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(issuances)


def american_carbon_registry(issuance: Published) -> Row:
    """ACR publishes reporting periods, and marks the rows whose credits are removals."""
    return {
        "project_id": issuance["Project ID"],
        "project_name": issuance["Project Name"],
        "developer": issuance["Project Developer"],
        "country": _country(issuance["Project Site Country"]),
        "kind": "removal" if issuance["Verified Removal"] == "Yes" else "reduction",
        "methodology": _joined(issuance["Project Methodology/Protocol"], issuance["Methodology/Protocol Version"]),
        "period_start": _day(issuance["ReportingPeriodBegin"]),
        "period_end": _day(issuance["ReportingPeriodEnd"], later=1),
        "quantity_tco2e": issuance["Total Credits Issued"],
        "verifier": issuance["Project VVB"],
    }


def art_trees(issuance: Published) -> Row:
    """ART publishes vintages; its programmes reduce deforestation and forest degradation."""
    start, end = _vintage(issuance["Vintage"])
    return {
        "project_id": issuance["Program ID"],
        "project_name": issuance["Program Name"],
        "developer": issuance["Sovereign Program Developer"],
        "country": _country(issuance["Program Country"]),
        "kind": "reduction",
        "methodology": _joined(issuance["Crediting Program and Standard"], issuance["Standard Version"]),
        "period_start": start,
        "period_end": end,
        "quantity_tco2e": issuance["Credits Verified"],
        "verifier": issuance["Verification Body"],
    }


def climate_action_reserve(issuance: Published) -> Row:
    """CAR publishes vintages, and says of every row whether it is a reduction or a removal."""
    start, end = _vintage(issuance["Vintage"])
    return {
        "project_id": issuance["Project ID"],
        "project_name": issuance["Project Name"],
        "developer": issuance["Project Developer"],
        "country": _country(issuance["Project Site Country"]),
        "kind": "removal" if issuance["Reduction/Removal"] == "Removal" else "reduction",
        "methodology": issuance["Protocol and Version"],
        "period_start": start,
        "period_end": end,
        "quantity_tco2e": issuance["Total Offset Credits Issued"],
        "verifier": issuance["Verification Body"],
    }


_REGISTRIES: dict[str, Callable[[Published], Row]] = {
    "american-carbon-registry": american_carbon_registry,
    "art-trees": art_trees,
    "climate-action-reserve": climate_action_reserve,
}


def _trimmed(text: str) -> str:
    """White space at the ends gone, and each run of it inside one space."""
    return " ".join(text.split())


def _country(text: str) -> str:
    try:
        return country_alpha2(text)
    except Malformed:
        return text


def _day(text: str, *, later: int = 0) -> str:
    """A day as the registries write it, month first; the first day after a period is one day later."""
    try:
        # A day has no time zone to be wrong about.
        return (datetime.strptime(text, "%m/%d/%Y").date() + timedelta(days=later)).isoformat()  # noqa: DTZ007
    except (ValueError, OverflowError):
        return text


def _vintage(text: str) -> tuple[str, str]:
    try:
        return date(int(text), 1, 1).isoformat(), date(int(text) + 1, 1, 1).isoformat()
    except ValueError:
        return text, text


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def main() -> None:
    """Write the rows of the folder named on the command line to standard output."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m api.demo.extract REGISTRIES_DIR > issuances.csv")
    try:
        extracted = list(rows(Path(sys.argv[1])))
    except (OSError, UnicodeError) as unread:
        sys.exit(f"cannot read the exports: {unread}")
    except KeyError as missing:
        sys.exit(f"an export lacks the column {missing}")
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    write(sys.stdout, extracted)


if __name__ == "__main__":
    main()
