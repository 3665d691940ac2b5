"""`gigaton find`: the lists of the ledger, with the same filters and pages as over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.text import Text

from api.cli.options import DEFAULT_DATA, Data, Json, Server
from api.cli.output import out, print_json, table, tonnes

QUEUE = "queue"
# What of a record fits on a line; the whole of it is in --json.
_COLUMNS: dict[str, tuple[str, ...]] = {
    "claims": (
        "index",
        "status",
        "country",
        "methodology",
        "start_day",
        "end_day",
        "current_g",
        "stated_g",
        "claimant",
    ),
    "findings": ("index", "status", "type", "round", "deadline", "overdue", "claim", "verifier"),
    "attestations": ("index", "verifier", "claim", "revoked_index"),
    "parties": ("index", "legal_name", "country", "roles", "id"),
    "accreditations": ("index", "status", "from_day", "until_day", "families", "verifier"),
    "methodologies": ("index", "id", "version", "issuer"),
    "factor-sets": ("index", "id", "version", "title", "issuer"),
    "targets": ("index", "id", "version"),
    "certificates": ("index", "number", "valid_until_day", "revoked_index", "holder"),
    "entries": ("index", "kind", "recorded_at", "id", "issuer"),
    QUEUE: ("index", "status", "methodology", "stated_g", "claimant"),
}


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("find")(find)


def find(
    what: Annotated[str, typer.Argument(help=f"{', '.join(_COLUMNS)}.", show_default=False)],
    where: Annotated[
        list[str] | None, typer.Argument(help="Filters, and limit= and cursor=, as NAME=VALUE.", show_default=False)
    ] = None,
    data: Data = DEFAULT_DATA,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Find records, oldest first, a page at a time.

    Filters of claims: status, claimant, country, methodology, registry, kind, lever, scope, verifier (who attested),
    start and end (days that the period shares). A wrong name is answered with the filters that there are.
    `find queue verifier=ID` lists the claims that wait for a verifier.

    Example:  gigaton find claims status=verified country=CN limit=10 --data build/demo
    """
    from api.cli.books import open_book
    from api.cli.views import as_of_line

    if what not in (*_COLUMNS, QUEUE):
        raise typer.BadParameter(f"one of {', '.join([*_COLUMNS, QUEUE])}", param_hint="WHAT")
    given = [one.partition("=") for one in where or ()]
    if not all(equals for _, equals, _ in given):
        raise typer.BadParameter("write each filter as NAME=VALUE", param_hint="WHERE")
    with open_book(data, server) as book:
        page = book.page(what, [(name, value) for name, _, value in given])
    if as_json:
        print_json(page)
        return
    columns = _COLUMNS.get(what, ("index", "id"))
    waits = ("recorded_at", "attested") if what == QUEUE else ()
    shown = table(*(_title(name) for name in (*columns, *waits)))
    for item in page.items:
        record = item.claim if what == QUEUE else item
        cells = [_cell(name, getattr(record, name)) for name in columns]
        shown.add_row(*cells, *(_cell(name, getattr(item, name)) for name in waits))
    out.print(shown)
    out.print(as_of_line(page.as_of))
    if page.next is not None:
        out.print(f"more: add cursor={page.next}", soft_wrap=True)


def _title(column: str) -> str:
    if column.endswith("_g"):
        return f"{column[:-2]} t CO2e"
    return column.removesuffix("_day").replace("_", " ")


def _cell(column: str, value: Any) -> Text | str:
    from ledger.domain.period import format_day

    if column.endswith("_g"):
        return tonnes(value)
    if column.endswith("_day"):
        return format_day(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
