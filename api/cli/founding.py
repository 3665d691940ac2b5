"""Commands that begin: keygen and init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from api.cli.options import DEFAULT_DATA, Data, PassphraseFile
from api.cli.output import out


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("keygen")(keygen)


def keygen(
    name: Annotated[str, typer.Argument(help="What to call the key.")],
    owner: Annotated[str, typer.Option("--owner", help="Id of the party that will sign with it.")],
    purpose: Annotated[list[str], typer.Option("--purpose", help="claim, attest, review, ...; repeat for more.")],
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make an Ed25519 key in an encrypted file, DIR/keys/NAME.age. An existing file is never replaced.

    Example:  gigaton keygen acme --owner https://acme.example --purpose claim
    """
    from api.wiring import read_passphrase
    from keys.generate import new_key
    from keys.keyfile import KeyRing, write_ring
    from ledger.domain.statements.members import Purpose

    unknown = [one for one in purpose if one not in get_args(Purpose)]
    if unknown:
        raise typer.BadParameter(f"one of {', '.join(get_args(Purpose))}", param_hint="--purpose")
    folder: Path = data / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stored = new_key(name=name, owner=owner, purposes=tuple(purpose))  # type: ignore[arg-type]
    path = folder / f"{name}.age"
    write_ring(path, KeyRing((stored,)), read_passphrase(data, passphrase_file))
    out.print(f"{path}\npublic key {stored.public}")
