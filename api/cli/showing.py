"""`gigaton show`: one entry by its index, or one thing by its id, as over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.options import DEFAULT_DATA, Data, Json
from api.cli.output import out, print_json, table
from ledger.domain.units import format_kg

if TYPE_CHECKING:
    from ledger.service.ledger import Ledger

_KINDS = "claims, attestations, parties, accreditations, methodologies, factor-sets, targets, certificates or programme"


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
    as_json: Json = False,
) -> None:
    """One entry: who said what, and what counts of it now. Or one thing by its id, always as JSON.

    Example:  gigaton show 12 --data build/demo
    """
    from api.cli.views import as_of_line
    from api.wiring import open_for_reading
    from ledger.service import report

    with open_for_reading(data) as ledger:
        if what is None:
            head = report.head(ledger)
            print_json({"ledger": ledger.name, **_plain(head)}) if as_json else out.print(as_of_line(head))
        elif not what.isdecimal():
            print_json(_thing(ledger, what, [one for one in (identity, version) if one is not None]))
        elif identity is not None:
            raise typer.BadParameter("an entry is named by its index alone", param_hint="ID")
        else:
            _show_entry(report.show(ledger, int(what[:20])), as_json=as_json)


def _thing(ledger: Ledger, what: str, ids: list[str]) -> object:
    from ledger.service import look
    from ledger.service.certificates import certificate

    if what == "programme" and not ids:
        return look.programme(ledger)
    if what in look.DOCUMENTS and len(ids) == 2:
        return look.document(ledger, what, *ids)
    if what in look.DOCUMENTS and len(ids) == 1:
        return look.versions(ledger, what, *ids)
    if what in look.THINGS and len(ids) == 1:
        return look.THINGS[what](ledger, *ids)
    if what == "certificates" and len(ids) == 1:
        return certificate(ledger, *ids)
    raise typer.BadParameter(f"the index of an entry, or one of {_KINDS} with its id", param_hint="WHAT")


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
        shown.add_row("counts", f"{format_kg(claim.current_g)} kg of {format_kg(claim.stated_g)} kg claimed")
        shown.add_row("entries", ", ".join(map(str, answer.history)))
    out.print(shown)
    print_json(statement.subject)
    out.print(as_of_line(answer.as_of))


def _plain(value: object) -> dict[str, object]:
    import msgspec

    return dict(msgspec.to_builtins(value))
