"""`gigaton serve`: the ledger over HTTP."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from typing import Annotated, NoReturn

import typer

from api.cli.options import DEFAULT_DATA, Data, PassphraseFile
from api.cli.output import err
from ledger.errors import Unavailable

GRACE_S = 10


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = 8000,
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Serve a ledger: POST /v1/statements, /v1/entries, /log/ (C2SP tlog-tiles), /healthz, /readyz, /openapi.json.

    Stops on SIGTERM or Ctrl-C after the requests under way are answered.

    Example:  gigaton serve --data build/demo --port 8000
    """
    import uvicorn

    from api.app import make_app
    from api.wiring import open_for_writing, open_rings, read_passphrase

    # The server raises the signal again when all requests are answered; the ledger is closed on the way out.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    rings = open_rings(data, read_passphrase(data, passphrase_file))
    try:
        listening = socket.create_server((host, port), backlog=2048)
    except OSError as error:
        raise Unavailable("address_unusable", f"{host}:{port}: {error.strerror}", port=port) from None
    with listening, open_for_writing(data, rings) as ledger:
        config = uvicorn.Config(
            make_app(ledger),
            loop="uvloop",
            http="httptools",
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        err.print(f"serving http://{host}:{listening.getsockname()[1]}", soft_wrap=True)
        uvicorn.Server(config).run(sockets=[listening])


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)
