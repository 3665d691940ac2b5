"""Commands that read: totals, goals, show, export, fsck."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from api.cli.options import DEFAULT_DATA, Data, Json, Server
from api.cli.output import err, out, print_json, progress, table, tonnes

# A damaged tile is 16,384 digits: the whole of it is in --json.
_SHOWN_CHARACTERS_MAX = 96


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for name, command in (("totals", totals), ("goals", goals), ("export", export), ("fsck", fsck)):
        app.command(name)(command)


def totals(
    data: Data = DEFAULT_DATA,
    server: Server = None,
    by: Annotated[str, typer.Option(help="kind, lever, year, country, registry, assurance or party.")] = "lever",
    as_json: Json = False,
) -> None:
    """What counts now, by one dimension.

    Example:  gigaton totals --data build/demo --by country
    """
    from api.cli.books import open_book
    from api.cli.views import as_of_line, breakdown

    with open_book(data, server) as book:
        answer = book.totals()
        names = book.party_names() if by == "party" else None
    if by not in answer.by:
        raise typer.BadParameter(f"one of {', '.join(answer.by)}", param_hint="--by")
    if as_json:
        print_json(answer)
        return
    out.print(Text.assemble(tonnes(answer.total_g), (" t CO2e verified ", "bold"), f"in {answer.claims} claims"))
    out.print(as_of_line(answer.as_of))
    out.print()
    out.print(breakdown(answer, by, names))
    out.print()
    out.print("claims: " + ", ".join(f"{number} {status}" for status, number in answer.status.items()))


def goals(data: Data = DEFAULT_DATA, server: Server = None, as_json: Json = False) -> None:
    """How far each goal is, and the pace that it needs.

    Example:  gigaton goals --data build/demo
    """
    from api.cli.books import open_book
    from api.cli.views import as_of_line, goals_table

    with open_book(data, server) as book:
        answer = book.goals()
    if as_json:
        print_json(answer)
        return
    out.print(goals_table(answer))
    out.print(as_of_line(answer.as_of))


def export(
    folder: Annotated[Path | None, typer.Argument(help="Where to; DIR/export without it.")] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Publish the log as static files (checkpoint, tiles, entry bundles): what an auditor takes.

    Example:  gigaton export --data build/demo
    """
    from api.wiring import open_for_reading
    from ledger.store.export import export_log

    target = folder or data / "export"
    with open_for_reading(data) as ledger, ledger.reading() as connection, progress("export", None) as bar:
        size = export_log(
            connection,
            target,
            progress=lambda done, total: bar.update(bar.task_ids[0], completed=done, total=total),
        )
    out.print(f"{size} entries in {target}")


def fsck(data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Recompute every row of the database from the entry bytes and name what differs.

    Example:  gigaton fsck --data build/demo
    """
    from api.wiring import open_for_reading
    from ledger.store.fsck import fsck as check_database

    with open_for_reading(data) as ledger, progress("fsck", None) as bar:
        findings = check_database(
            ledger.engine,
            progress=lambda done, total: bar.update(bar.task_ids[0], completed=done, total=total),
        )
    if as_json:
        print_json({"findings": findings})
    elif findings:
        shown = table("table", "row", "column", "expected", "found")
        for one in findings:
            shown.add_row(one.table, _short(one.row), one.column, _short(one.expected), _short(one.found))
        err.print(shown)
        err.print("Restore the database from a backup or refill it from an export; the log's bytes decide.")
    else:
        out.print("every row follows from the log")
    if findings:
        raise typer.Exit(1)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS_MAX else f"{text[:_SHOWN_CHARACTERS_MAX]}… ({len(text)} characters)"
