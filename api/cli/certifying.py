"""`gigaton certify`: issue a sealed certificate."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.options import DEFAULT_DATA, Data, Json, PassphraseFile
from api.cli.output import out, print_json


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("certify")(certify)
    app.command("revoke")(revoke)


def certify(
    holder: Annotated[str, typer.Argument(help="Id of the party that holds the certificate.")],
    number: Annotated[str, typer.Option("--number", help="Capitals, digits and hyphens, such as GT-2026-0001.")],
    start: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")],
    end: Annotated[str, typer.Option("--to", help="Day after the last, YYYY-MM-DD.")],
    claim: Annotated[list[int] | None, typer.Option("--claim", help="Index of a claim; repeat for more.")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="Days for which it is valid.")] = 365,
    key: Annotated[str, typer.Option(help="Name of the operator's key to certify.")] = "publish",
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Issue a sealed PDF over named claims, or over the largest verified claims of the holder (64 at most).

    Example:  gigaton certify https://acme.example --number GT-2026-0001 --from 2025-01-01 --to 2026-01-01
    """
    from api.keyrings import find_stored, open_rings, read_passphrase
    from api.wiring import open_for_writing, sealing_of
    from keys.signer import FileSigner
    from ledger.domain.statements.members import Reference
    from ledger.domain.statements.report import ClaimSet
    from ledger.service import certify as acts
    from ledger.service import report
    from ledger.service.certificates import FOLDER, keep_file

    rings = open_rings(data, read_passphrase(data, passphrase_file))
    pem = (data / "keys" / "seal.pem").read_text(encoding="ascii")
    with open_for_writing(data, rings) as ledger:
        if claim:
            shown = [report.show(ledger, index) for index in claim]
            about = ClaimSet(tuple(Reference(one.statement.id, one.index, one.entry_hash) for one in shown))
        else:
            about = acts.largest_claims(ledger, party=holder, start=start, end=end)
        issued = acts.issue(
            ledger,
            holder=holder,
            about=about,
            start=start,
            end=end,
            number=number,
            valid_days=days,
            signer=FileSigner.from_stored(find_stored(rings, key)),
            sealing=sealing_of(find_stored(rings, "seal"), pem),
        )
    path = data / FOLDER / f"{issued.number}.pdf"
    keep_file(path, issued.pdf)
    if as_json:
        print_json({"number": issued.number, "index": issued.index, "total_kg": issued.total, "path": str(path)})
    else:
        out.print(f"{path}: {issued.total} kg, entry {issued.index}")


def revoke(
    number: Annotated[str, typer.Argument(help="Number of the certificate.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")],
    key: Annotated[str, typer.Option(help="Name of the operator's key to certify.")] = "publish",
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
) -> None:
    """End a certificate; whoever checks it against the log from then on is told.

    Example:  gigaton revoke GT-2026-0001 --reason "Issued to the wrong party"
    """
    from api.keyrings import find_stored, open_rings, read_passphrase
    from api.wiring import open_for_writing
    from keys.signer import FileSigner
    from ledger.service import certify as acts

    rings = open_rings(data, read_passphrase(data, passphrase_file))
    with open_for_writing(data, rings) as ledger:
        signer = FileSigner.from_stored(find_stored(rings, key))
        recorded = acts.revoke(ledger, number=number, reason=reason, signer=signer)
    out.print(f"entry {recorded.index}: {number} is revoked")
