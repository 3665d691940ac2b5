"""`gigaton serve`: the ledger over HTTP."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from api.cli.options import DEFAULT_DATA, Data, PassphraseFile
from api.cli.output import err
from api.settings import WORKERS_MAX
from ledger.errors import Unavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp

GRACE_S = 10


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=WORKERS_MAX, help="Processes that serve side by side.")] = 1,
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", help="AREA=N/PERIOD or AREA=off, AREA one of writes, token, evidence, reads; or off."),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option("--trusted-proxy", help="Address or network whose X-Forwarded-For is believed, for limits alone."),
    ] = None,
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Serve a ledger: POST /v1/statements, /v1/entries, /log/ (C2SP tlog-tiles), /healthz, /readyz, /openapi.json.

    Stops on SIGTERM or Ctrl-C after the requests under way are answered.

    Example:  gigaton serve --data build/demo --port 8000
    """
    from api.app import make_app, served_app
    from api.keyrings import read_passphrase
    from api.security import log_to_stderr
    from api.settings import Settings
    from api.wiring import open_service

    # The server raises the signal again when all requests are answered.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    log_to_stderr()
    settings = Settings(
        data=data,
        passphrase=read_passphrase(data, passphrase_file),
        limits=tuple(limit or ()),
        trusted_proxies=tuple(trusted_proxy or ()),
    )
    try:
        listening = socket.create_server((host, port), backlog=2048)
    except OSError as error:
        raise Unavailable("address_unusable", f"{host}:{port}: {error.strerror}", port=port) from None
    service = open_service(settings)  # what is wrong with it is said here, by one process
    if workers > 1:
        service.close()
    app = make_app(service) if workers == 1 else partial(served_app, settings)
    with listening:
        err.print(f"serving http://{host}:{listening.getsockname()[1]}", soft_wrap=True)
        run_server(listening, app, workers=workers)


def run_server(listening: socket.socket, app: ASGIApp | Callable[[], ASGIApp], *, workers: int) -> None:
    """Serve at a socket until a signal: an application here, or what makes one in each of several processes."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

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
    if workers == 1:
        uvicorn.Server(config).run(sockets=[listening])
    else:
        Multiprocess(config, sockets=[listening]).run()


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)
