"""`gigaton show`: one entry by its index, or one thing by its id, as over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.cli.options import DEFAULT_DATA, Data, Json, Server
from api.cli.output import out, print_json, table
from ledger.domain.units import format_kg

# What is shown by its id, and how many ids it takes: a document's version may follow.
_THINGS = {
    "claims": (1,),
    "findings": (1,),
    "attestations": (1,),
    "parties": (1,),
    "accreditations": (1,),
    "methodologies": (1, 2),
    "factor-sets": (1, 2),
    "targets": (1, 2),
    "certificates": (1,),
    "programme": (0,),
}
_KINDS = f"{', '.join(list(_THINGS)[:-1])} or programme"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("show")(show)


def show(
    what: Annotated[
        str | None, typer.Argument(help=f"Index of an entry, or {_KINDS}; without it, the head of the log.")
    ] = None,
    identity: Annotated[str | None, typer.Argument(metavar="ID", help="Id of the thing.", show_default=False)] = None,
    version: Annotated[str | None, typer.Argument(help="Version of a document.", show_default=False)] = None,
    data: Data = DEFAULT_DATA,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """One entry: who said what, and what counts of it now. Or one thing by its id, always as JSON.

    Example:  gigaton show 12 --data build/demo
    """
    from api.cli.books import open_book
    from api.cli.views import as_of_line

    ids = [one for one in (identity, version) if one is not None]
    if what is not None and not what.isdecimal() and len(ids) not in _THINGS.get(what, ()):
        raise typer.BadParameter(f"the index of an entry, or one of {_KINDS} with its id", param_hint="WHAT")
    if what is not None and what.isdecimal() and ids:
        raise typer.BadParameter("an entry is named by its index alone", param_hint="ID")
    with open_book(data, server) as book:
        if what is None:
            head = book.head()
            print_json({"ledger": book.name, **_plain(head)}) if as_json else out.print(as_of_line(head))
        elif what.isdecimal():
            _show_entry(book.show(int(what[:20])), as_json=as_json)
        else:
            print_json(book.thing(what, ids))


def _show_entry(answer: Any, *, as_json: bool) -> None:
    from api.cli.views import as_of_line

    statement = answer.statement
    if as_json:
        print_json(
            {
                "index": answer.index,
                "entry_hash": answer.entry_hash,
                "id": statement.id,
                "kind": statement.kind,
                "issuer": statement.issuer,
                "signers": [str(kid) for kid in statement.signers],
                "subject": statement.subject,
                "claim": answer.claim,
                "history": answer.history,
                "as_of": answer.as_of,
            }
        )
        return
    shown = table("what", "")
    shown.add_row("entry", f"{answer.index}  {statement.kind}  {statement.id}")
    shown.add_row("hash", answer.entry_hash)
    shown.add_row("issuer", statement.issuer)
    for kid in statement.signers:
        shown.add_row("signed by", str(kid))
    if answer.claim is not None:
        claim = answer.claim
        shown.add_row("status", f"{claim.status}; {len(claim.attestations)} of {claim.quorum} attestations")
        if claim.findings:
            shown.add_row("findings", f"{claim.open_findings} of {claim.findings} open, {claim.open_cars} corrective")
        shown.add_row("counts", f"{format_kg(claim.current_g)} kg of {format_kg(claim.stated_g)} kg claimed")
        shown.add_row("entries", ", ".join(map(str, answer.history)))
    out.print(shown)
    print_json(statement.subject)
    out.print(as_of_line(answer.as_of))


def _plain(value: object) -> dict[str, object]:
    import msgspec

    return dict(msgspec.to_builtins(value))
