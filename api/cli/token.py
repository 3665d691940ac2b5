"""`gigaton token`: an access token of a service, for private reading with any HTTP client."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DEFAULT_DATA, Data, Json, PassphraseFile
from api.cli.output import print_json
from ledger.errors import NotAllowed

KEY_FILE_SUFFIX = ".age"


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("token")(token)


def token(
    server: Annotated[str, typer.Option("--server", help="URL of the service, as its Programme spells it.")],
    key: Annotated[str, typer.Option("--key", help="Your key: its name in DIR/keys, or a .age file.")],
    scope: Annotated[str | None, typer.Option("--scope", help="Only these scopes, separated by spaces.")] = None,
    audience: Annotated[
        str | None, typer.Option("--audience", help="Token endpoint to sign for, if you reach it by another URL.")
    ] = None,
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Get an access token with one of your registered keys; prints the token alone.

    Example:  gigaton token --server https://ledger.example --key acme.age
    """
    from urllib.parse import urlencode

    from api import grants
    from api.assertions import token_form
    from api.keyrings import find_stored, open_rings, read_passphrase
    from api.transport import Transport, decode
    from keys.keyfile import read_ring

    passphrase = read_passphrase(data, passphrase_file)
    if key.endswith(KEY_FILE_SUFFIX):
        held = read_ring(Path(key), passphrase).keys
        if len(held) != 1:
            raise NotAllowed("no_such_key", f"{key} holds {len(held)} keys; name one of DIR/keys instead", key=key)
        stored = held[0]
    else:
        stored = find_stored(open_rings(data, passphrase), key)
    form = token_form(stored, audience=audience or server.rstrip("/") + grants.TOKEN_PATH, scope=scope)
    with closing(Transport(server)) as transport:
        answer = transport.call(
            "POST", grants.TOKEN_PATH, content=urlencode(form).encode(), headers={"Content-Type": grants.FORM_TYPE}
        )
    granted = decode(answer.body, grants.Granted)
    if as_json:
        print_json(granted)
        return
    sys.stdout.write(f"{granted.access_token}\n")
