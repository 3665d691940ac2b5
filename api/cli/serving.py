"""`gigaton serve`: the ledger over HTTP."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from api.cli.options import DEFAULT_DATA, Data, PassphraseFile
from api.settings import CONNECTIONS_DEFAULT, CONNECTIONS_MAX, WORKERS_MAX
from ledger import __version__
from ledger.errors import Unavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("serve")(serve)


def serve(
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, max=WORKERS_MAX, help="Processes that serve side by side.")] = 1,
    connections: Annotated[
        int, typer.Option(min=1, max=CONNECTIONS_MAX, help="Open connections of a process.")
    ] = CONNECTIONS_DEFAULT,
    log_clients: Annotated[bool, typer.Option("--log-clients", help="Log the address of each client.")] = False,
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", help="AREA=N/PERIOD or AREA=off, AREA one of writes, token, evidence, reads; or off."),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option("--trusted-proxy", help="Address or network whose X-Forwarded-For is believed, for limits alone."),
    ] = None,
    webhook_allow: Annotated[
        list[str] | None,
        typer.Option(
            "--webhook-allow", help="Address below which webhooks may lie; private:ADDRESS for an own network."
        ),
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
    from api.logs import event, log_to_stderr
    from api.server import BACKLOG
    from api.settings import Settings
    from api.wiring import open_service

    # The server raises the signal again when all requests are answered.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    log_to_stderr()
    settings = Settings(
        data=data,
        passphrase=read_passphrase(data, passphrase_file),
        log_clients=log_clients,
        limits=tuple(limit or ()),
        trusted_proxies=tuple(trusted_proxy or ()),
        webhooks_allowed=tuple(webhook_allow or ()),
    )
    try:
        listening = socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise Unavailable("address_unusable", f"{host}:{port}: {error.strerror}", port=port) from None
    service = open_service(settings)  # what is wrong with it is said here, by one process
    if workers > 1:
        service.close()
    app = make_app(service) if workers == 1 else partial(served_app, settings)
    with listening:
        url = f"http://{host}:{listening.getsockname()[1]}"
        processes = "1 process" if workers == 1 else f"{workers} processes"
        event("started", message=f"serving {url} with {processes}", url=url, workers=workers, version=__version__)
        try:
            run_server(listening, app, workers=workers, connections=connections)
        finally:
            event("stopped")


def run_server(
    listening: socket.socket,
    app: ASGIApp | Callable[[], ASGIApp],
    *,
    workers: int,
    connections: int = CONNECTIONS_DEFAULT,
) -> None:
    """Serve at a socket until a signal: an application here, or what makes one in each of several processes."""
    from api.server import ManyProcesses, OneProcess, configure

    config = configure(app, workers=workers, connections=connections)
    if workers == 1:
        OneProcess(config).run(sockets=[listening])
    else:
        ManyProcesses(config, sockets=[listening]).run()


def _end(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)
