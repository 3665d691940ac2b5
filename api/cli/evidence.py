"""`gigaton evidence put|get`: evidence of a ledger in a directory, by the same rules as over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.options import DEFAULT_DATA, Data, Json, PassphraseFile, Server
from api.cli.output import out, print_json
from ledger.errors import Unreadable

if TYPE_CHECKING:
    from api.private import Kept, Private
    from ledger.service.evidence import Stored

Claim = Annotated[str, typer.Option("--claim", help="Id of the claim (urn:uuid:...), which may not be recorded yet.")]


Key = Annotated[str | None, typer.Option("--key", help="With --server: your key, by its name in DIR/keys.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Keep evidence of claims beside the log, and read it.", no_args_is_help=True)
    group.command("put")(put)
    group.command("get")(get)
    app.add_typer(group, name="evidence")


def put(
    file: Annotated[Path, typer.Argument(help="The evidence, salt first if its digest is salted.")],
    claim: Claim,
    owner: Annotated[
        str | None,
        typer.Option("--owner", help="Id of the claimant, whose evidence it is; not with --server."),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Let everybody read it once the claim is recorded.")] = False,
    server: Server = None,
    key: Key = None,
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Keep a file as evidence of a claim; prints its digest.

    Example:  gigaton evidence put meter.csv --claim urn:uuid:... --owner https://acme.example
    """
    visibility: Literal["private", "public"] = "public" if public else "private"
    kept: Kept | Stored
    if server is not None:
        with _private(data, server, key, passphrase_file) as private:
            kept = private.put_evidence(file, claim=claim, visibility=visibility)
    else:
        if owner is None:
            raise typer.BadParameter("name the party whose evidence it is", param_hint="--owner")
        kept = _put_here(data, file, claim=claim, owner=owner, visibility=visibility)
    if as_json:
        print_json(kept)
        return
    out.print(f"{kept.digest}\n{kept.size} bytes, {kept.visibility}", soft_wrap=True)


def _put_here(data: Path, file: Path, *, claim: str, owner: str, visibility: Literal["private", "public"]) -> Stored:
    import hashlib

    from api.wiring import open_for_reading
    from ledger.service import evidence as acts

    try:
        with file.open("rb") as opened, open_for_reading(data) as ledger:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
            opened.seek(0)
            asked = acts.read_question([("claim", claim), ("visibility", visibility)], writing=True)
            return acts.put(
                ledger,
                acts.pieces(opened),
                owner=owner,
                claim=asked.claim,
                digest=digest,
                visibility=asked.visibility,
            )
    except OSError as error:
        raise Unreadable("unreadable_file", f"{file}: {error.strerror}", path=str(file)) from None


def get(
    digest: Annotated[str, typer.Argument(help="SHA-256 of the evidence, in hex.")],
    claim: Claim,
    output: Annotated[Path, typer.Option("--out", help="Where it goes; an existing file is never replaced.")],
    party: Annotated[
        str | None, typer.Option("--party", help="Who reads: see what this party may; the operator otherwise.")
    ] = None,
    server: Server = None,
    key: Key = None,
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Read evidence of a claim, checked against its digest.

    Example:  gigaton evidence get 9f2c... --claim urn:uuid:... --out meter.csv
    """
    if server is not None:
        if output.exists():
            raise Unreadable("unreadable_file", f"{output}: it is there already", path=str(output))
        with _private(data, server, key, passphrase_file) as private:
            private.get_evidence(digest, claim=claim, to=output)
        out.print(f"{output}: {output.stat().st_size} bytes", soft_wrap=True)
        return
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


@contextmanager
def _private(data: Path, server: str, key: str | None, passphrase_file: Path | None) -> Iterator[Private]:
    """A party's own access at a server."""
    from api.cli.books import open_remote
    from api.keyrings import find_stored, open_rings, read_passphrase
    from api.private import Private

    if key is None:
        raise typer.BadParameter("evidence at a server is kept and read with a key", param_hint="--key")
    stored = find_stored(open_rings(data, read_passphrase(data, passphrase_file)), key)
    with open_remote(data, server) as book:
        yield Private(book, stored)
