"""`gigaton trust`: what a server shows of itself, taken for true once and held to from then on."""

from __future__ import annotations

from typing import Annotated

import typer

from api.cli.options import DEFAULT_DATA, Data
from api.cli.output import out


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("trust")(trust)


def trust(
    server: Annotated[str, typer.Option("--server", envvar="GIGATON_SERVER", help="Address of the ledger's server.")],
    data: Data = DEFAULT_DATA,
) -> None:
    """Write DIR/trust.json from what a server shows of itself: only where nobody can give you the file.

    Compare the three lines with what the operator publishes elsewhere. An existing trust file is never replaced.

    Example:  gigaton trust --server https://ledger.example --data gigaton-data
    """
    from api.book import RemoteBook, trust_at_first_contact
    from api.cli.books import PINS_FILE, TRUST_FILE
    from api.proving import PinsFile
    from keys.trust import write_trust
    from ledger.errors import Conflict

    path = data / TRUST_FILE
    if path.exists():
        raise Conflict("trust_file_exists", f"{path} is there already", path=str(path))
    made = trust_at_first_contact(server)
    data.mkdir(parents=True, exist_ok=True)
    with RemoteBook(server, trust=made, memory=PinsFile(data / PINS_FILE, made)) as book:
        head = book.head()  # the named key signs the checkpoint, and entry 0 is under it
    write_trust(path, made)
    out.print(f"origin   {made.origin}\ngenesis  {made.genesis}\nlog key  {made.log}", soft_wrap=True)
    out.print(f"trusted from now on, at {head.size} entries: {path}", soft_wrap=True)
