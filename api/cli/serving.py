"""`gigaton serve`: the ledger over HTTP."""

from __future__ import annotations

import logging
import signal
import socket
from functools import partial
from typing import Annotated, NoReturn

import typer

from api.cli.options import DEFAULT_DATA, Data, PassphraseFile
from api.cli.output import err
from api.settings import WORKERS_MAX
from ledger.errors import Unavailable

GRACE_S = 10


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=WORKERS_MAX, help="Processes that serve side by side.")] = 1,
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Serve a ledger: POST /v1/statements, /v1/entries, /log/ (C2SP tlog-tiles), /healthz, /readyz, /openapi.json.

    Stops on SIGTERM or Ctrl-C after the requests under way are answered.

    Example:  gigaton serve --data build/demo --port 8000
    """
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    from api.app import make_app, served_app
    from api.keyrings import read_passphrase
    from api.security import log_to_stderr
    from api.settings import Settings
    from api.wiring import open_service

    # The server raises the signal again when all requests are answered.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    log_to_stderr()
    settings = Settings(data=data, passphrase=read_passphrase(data, passphrase_file))
    try:
        listening = socket.create_server((host, port), backlog=2048)
    except OSError as error:
        raise Unavailable("address_unusable", f"{host}:{port}: {error.strerror}", port=port) from None
    service = open_service(settings)  # what is wrong with it is said here, by one process
    if workers > 1:
        service.close()
    app = make_app(service) if workers == 1 else partial(served_app, settings)
    config = uvicorn.Config(
        app,
        factory=workers > 1,
        workers=workers,
        loop="uvloop",
        http="httptools",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    with listening:
        err.print(f"serving http://{host}:{listening.getsockname()[1]}", soft_wrap=True)
        if workers == 1:
            uvicorn.Server(config).run(sockets=[listening])
        else:
            Multiprocess(config, sockets=[listening]).run()


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)
