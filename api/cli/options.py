"""The options that many commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path,
    typer.Option("--data", envvar="GIGATON_DATA", help="The ledger's directory.", show_default=True),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
PassphraseFile = Annotated[
    Path | None, typer.Option("--passphrase-file", help="File that holds the passphrase of the key files.")
]
Server = Annotated[
    str | None,
    typer.Option("--server", envvar="GIGATON_SERVER", help="Ask this server; DIR then holds your keys and trust.json."),
]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        envvar="GIGATON_DATABASE",
        help="postgresql+psycopg://... of an empty database; without it, a file in DIR.",
    ),
]

DEFAULT_DATA = Path("gigaton-data")
