"""`gigaton token`: an access token of a service, for private reading with any HTTP client."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import DEFAULT_DATA, Data, Json, PassphraseFile
from api.cli.output import print_json
from ledger.errors import NotAllowed, Unavailable

TIMEOUT_S = 30


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
    import httpx
    import msgspec

    from api import tokens
    from api.assertions import token_form
    from api.keyrings import find_stored, open_rings, read_passphrase
    from keys.keyfile import read_ring

    passphrase = read_passphrase(data, passphrase_file)
    rings = [read_ring(Path(key), passphrase)] if key.endswith(".age") else open_rings(data, passphrase)
    stored = rings[0].keys[0] if key.endswith(".age") else find_stored(rings, key)
    endpoint = server.rstrip("/") + tokens.TOKEN_PATH
    form = token_form(stored, audience=audience or endpoint, scope=scope)
    try:
        answer = httpx.post(endpoint, data=form, timeout=TIMEOUT_S, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable("server_unreachable", f"{endpoint}: {error}") from None
    try:
        if not answer.is_success:
            raise NotAllowed("token_refused", str(msgspec.json.decode(answer.content)["detail"])[:500])
        granted = msgspec.json.decode(answer.content, type=tokens.Granted)
    except (msgspec.MsgspecError, UnicodeError, LookupError, TypeError):
        raise Unavailable("bad_answer", f"{endpoint} answered {answer.status_code}, and no token") from None
    if as_json:
        print_json(granted)
        return
    sys.stdout.write(f"{granted.access_token}\n")
