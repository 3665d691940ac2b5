"""`gigaton claim`: compute, sign and record a claim."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from api.cli.options import DEFAULT_DATA, Data, Json, PassphraseFile, Server
from api.cli.output import out, print_json
from ledger.domain.statements.claim import InputValue
from ledger.errors import Malformed


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("claim")(claim)


def claim(
    draft: Annotated[Path, typer.Argument(help="JSON: the credentialSubject of a Claim, without quantification.")],
    key: Annotated[str, typer.Option("--key", help="Name of the claimant's key in DIR/keys.")],
    receipt: Annotated[Path | None, typer.Option("--receipt", help="Where entry and proof go, without ending.")] = None,
    data: Data = DEFAULT_DATA,
    server: Server = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Compute, sign and record a claim, and keep its receipt.

    Example:  gigaton claim draft.json --key acme --receipt receipts/roof --data gigaton-data
    """
    from api.author import Hand, state
    from api.book import estimate_at
    from api.cli.books import open_book
    from api.cli.writing import keep_receipt, read_file
    from api.keyrings import find_stored, open_rings, read_passphrase
    from keys.signer import FileSigner
    from ledger.domain.quantify import quantification_of
    from ledger.domain.statements.claim import Claim

    body = _draft(read_file(draft), draft)
    rings = open_rings(data, read_passphrase(data, passphrase_file))
    stored = find_stored(rings, key)
    with open_book(data, server, rings=lambda: rings) as book:
        wanted = body.get("methodology") or {}
        method = book.methodology(str(wanted.get("id")), wanted.get("version"))
        try:
            inputs = msgspec.convert(body.get("inputs"), dict[str, InputValue])
            figures = quantification_of(estimate_at(book, method, inputs))
            subject = msgspec.convert({**body, "quantification": msgspec.to_builtins(figures)}, Claim)
        except msgspec.ValidationError as error:
            raise Malformed("bad_schema", f"{draft}: {error}", path=str(draft)) from None
        hand = Hand(stored.owner, FileSigner.from_stored(stored))
        recorded = book.submit(state("Claim", subject, ledger=book.name, author=hand))
    if receipt is not None:
        keep_receipt(receipt, recorded.proof)
    if as_json:
        print_json({"index": recorded.index, "size": recorded.size, "quantification": figures})
    else:
        out.print(f"entry {recorded.index}: {figures.reduction} kg claimed")


def _draft(raw: bytes, path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed("bad_schema", f"{path}: {error}", path=str(path)) from None
