"""Reading issuances: one CSV row -> what is needed to claim it, or a code that says why not.

The file is read as bytes, because a claim's evidence is the digest of the very
bytes of its row. A row that cannot be read is reported with its line and never
stops the others.

Columns (documented and stable): registry, project_id, project_name, developer,
country, lever, kind, methodology, period_start, period_end, quantity_tco2e,
serial, verifier. Period ends are exclusive. `serial` and `verifier` may be empty.
"""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args
from urllib.parse import quote

from api.country import country_alpha2
from ledger.core.strict import require_plain_text
from ledger.domain.period import parse_day, parse_period
from ledger.domain.statements.members import ClaimKind, Lever
from ledger.errors import LedgerError, Malformed, Unreadable

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
FILE_BYTES_MAX = 1024**3
CELL_CHARACTERS_MAX = 300

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_QUANTITY = re.compile(r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?\Z")


@dataclass(frozen=True, slots=True)
class Row:
    """One issuance, read. Quantities stay decimal text; `raw` is the row's bytes without its line end."""

    line: int
    raw: bytes
    registry: str
    project_id: str
    project_name: str
    developer: str
    country: str
    lever: Lever
    kind: ClaimKind
    methodology: str
    period_start: str
    period_end: str
    quantity_tco2e: str
    serial: str
    verifier: str

    @property
    def digest(self) -> str:
        """SHA-256 of the row's bytes, the claim's evidence."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def counted_by(self) -> str:
        """What can be counted once: the serial where there is one, else the project and kind."""
        parts = (self.registry, self.project_id, self.serial or self.kind)
        return "registry:" + ":".join(quote(part, safe="") for part in parts)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be claimed as it stands."""

    line: int
    project_id: str
    error: LedgerError


def read_rows(path: Path) -> Iterator[Row | BadRow]:
    """Every row of an issuances file, in its order.

    Raises: Unreadable `unreadable_file`, `not_utf8_file` or `wrong_columns` for the file as a whole.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX)
    except OSError as error:
        raise Unreadable("unreadable_file", f"{path}: {error.strerror}", path=str(path)) from None
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8_file", f"{path} is not UTF-8 at byte {error.start}", path=str(path)) from None
    records = _records(data.removeprefix(b"\xef\xbb\xbf"), path)
    _, _, header = next(records, (0, b"", []))
    names = [name.strip() for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing or len(set(names)) != len(names):
        raise Unreadable(
            "wrong_columns", f"{path} lacks or repeats columns: {', '.join(missing or names)}", path=str(path)
        )
    for line, raw, cells in records:
        try:
            if len(cells) != len(names):
                raise Malformed("wrong_columns", f"{len(cells)} cells, {len(names)} columns", line=line)
            yield _read(line, raw, dict(zip(names, cells, strict=True)))
        except LedgerError as error:
            project = cells[names.index("project_id")] if len(cells) == len(names) else ""
            yield BadRow(line, project[:60], error)


def _records(data: bytes, path: Path) -> Iterator[tuple[int, bytes, list[str]]]:
    """CSV records with the number of their first line and the bytes they were read from."""
    consumed: list[bytes] = []

    def feed() -> Iterator[str]:
        for line in data.splitlines(keepends=True):
            consumed.append(line)
            yield line.decode()

    reader = csv.reader(feed(), strict=True)
    first = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise Unreadable("bad_csv", f"{path}, line {reader.line_num}: {error}", path=str(path)) from None
        if cells is None:
            return
        raw = b"".join(consumed).rstrip(b"\r\n")
        consumed.clear()
        if cells:
            yield first, raw, cells
        first = reader.line_num + 1


def _read(line: int, raw: bytes, cells: dict[str, str]) -> Row:
    text = {name: _clean(cells[name], name) for name in COLUMNS}
    for name in ("registry", "project_id", "project_name", "developer", "methodology"):
        if not text[name]:
            raise Malformed("missing_cell", f"the cell {name} is empty", column=name)
    for name in ("period_start", "period_end"):
        if not text[name]:
            raise Malformed("missing_period", f"the cell {name} is empty", column=name)
        if not _DATE.match(text[name]):
            raise Malformed("bad_date", f"{name} {text[name]!r} is not YYYY-MM-DD", date=text[name])
        parse_day(text[name])
    parse_period(start=text["period_start"], end=text["period_end"])
    if not _QUANTITY.match(text["quantity_tco2e"]):
        raise Malformed("bad_quantity", f"{text['quantity_tco2e']!r} is no plain decimal of tonnes")
    for name, allowed in (("lever", get_args(Lever)), ("kind", get_args(ClaimKind))):
        if text[name] not in allowed:
            raise Malformed("unknown_choice", f"{name} {text[name]!r} is none of {', '.join(allowed)}", column=name)
    text["country"] = country_alpha2(text["country"])
    return Row(line=line, raw=raw, **text)  # type: ignore[arg-type]


def _clean(cell: str, name: str) -> str:
    """White space folded and Unicode normalised: an importer's freedom before anything is signed."""
    text = unicodedata.normalize("NFC", " ".join(cell.split()))
    if len(text) > CELL_CHARACTERS_MAX:
        raise Malformed("cell_too_long", f"{name} has {len(text)} characters, at most {CELL_CHARACTERS_MAX} are read")
    if text:
        require_plain_text(text)
    return text
