"""`gigaton evidence put|get`: evidence of a ledger in a directory, by the same rules as over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DEFAULT_DATA, Data, Json
from api.cli.output import out, print_json
from ledger.errors import Unreadable

Claim = Annotated[str, typer.Option("--claim", help="Id of the claim (urn:uuid:...), which may not be recorded yet.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Keep evidence of claims beside the log, and read it.", no_args_is_help=True)
    group.command("put")(put)
    group.command("get")(get)
    app.add_typer(group, name="evidence")


def put(
    file: Annotated[Path, typer.Argument(help="The evidence, salt first if its digest is salted.")],
    claim: Claim,
    owner: Annotated[str, typer.Option("--owner", help="Id of the party whose evidence it is: the claimant.")],
    public: Annotated[bool, typer.Option("--public", help="Let everybody read it once the claim is recorded.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Keep a file as evidence of a claim; prints its digest.

    Example:  gigaton evidence put meter.csv --claim urn:uuid:... --owner https://acme.example
    """
    import hashlib

    from api.wiring import open_for_reading
    from ledger.service import evidence as acts

    try:
        with file.open("rb") as opened, open_for_reading(data) as ledger:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            opened.seek(0)
            asked = acts.read_question(
                [("claim", claim), ("visibility", "public" if public else "private")], writing=True
            )
            stored = acts.put(
                ledger,
                acts.pieces(opened),
                owner=owner,
                claim=asked.claim,
                digest=digest,
                visibility=asked.visibility,
            )
    except OSError as error:
        raise Unreadable("unreadable_file", f"{file}: {error.strerror}", path=str(file)) from None
    if as_json:
        print_json(stored)
        return
    out.print(f"{stored.digest}\n{stored.size} bytes, {stored.visibility}", soft_wrap=True)


def get(
    digest: Annotated[str, typer.Argument(help="SHA-256 of the evidence, in hex.")],
    claim: Claim,
    output: Annotated[Path, typer.Option("--out", help="Where it goes; an existing file is never replaced.")],
    party: Annotated[
        str | None, typer.Option("--party", help="Who reads: see what this party may; the operator otherwise.")
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Read evidence of a claim, checked against its digest.

    Example:  gigaton evidence get 9f2c... --claim urn:uuid:... --out meter.csv
    """
    import shutil

    from api.wiring import open_for_reading
    from ledger.service import evidence as acts

    with open_for_reading(data) as ledger:
        reader = party or ledger.programme.subject.operator.id
        asked = acts.read_question([("claim", claim)], writing=False)
        found = acts.get(ledger, party=reader, claim=asked.claim, digest=digest)
        try:
            with found.file, output.open("xb") as written:
                shutil.copyfileobj(found.file, written)
        except OSError as error:
            raise Unreadable("unreadable_file", f"{output}: {error.strerror}", path=str(output)) from None
    out.print(f"{output}: {found.size} bytes", soft_wrap=True)
