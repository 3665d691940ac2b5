"""A server to measure: the ledger's own, in processes of its own, with one route more that only parses."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import cast

from fastapi import APIRouter, Request, Response
from starlette.types import ASGIApp

from api.app import make_app, serve_beside_others
from api.cli.serving import run_server
from api.keyrings import read_passphrase
from api.limits import read_body
from api.logs import log_to_stderr
from api.routers.statements import CONTENT_TYPE
from api.settings import Settings
from api.wiring import open_service
from ledger.core.jws import STATEMENT_BYTES_MAX, open_jws
from ledger.domain.statements import read_statement

PARSE_ONLY = "/bench/parse"
START_S_MAX = 60
STOP_S_MAX = 30

router = APIRouter()


@router.post(PARSE_ONLY)
async def parse_only(request: Request) -> Response:
    """Read a statement as strictly as recording does, and forget it: what an endpoint costs that does nothing."""
    raw = await read_body(request, content_type=CONTENT_TYPE, limit=STATEMENT_BYTES_MAX)
    return Response(read_statement(open_jws(raw)).id, media_type="text/plain")


@dataclass(frozen=True, slots=True)
class Serving:
    """A running server: its port on loopback, and the first of its processes."""

    port: int
    pid: int

    def cpu_us(self) -> int:
        """What its processes have used of the processors so far, where the system tells it; 0 elsewhere."""
        ticks = 0
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if self.pid in (int(folder.name), int(fields[1])):
                    ticks += int(fields[11]) + int(fields[12])
        return ticks * 1_000_000 // os.sysconf("SC_CLK_TCK")


@contextmanager
def serving(directory: Path, *, workers: int) -> Iterator[Serving]:
    """A server of a ledger on a free port of loopback, in another process or in several."""
    settings = settings_of(directory)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        port = int(listening.getsockname()[1])
        process = get_context("spawn").Process(target=_serve, args=(listening, settings, workers))
        process.start()
    try:
        _wait_until_ready(port)
        yield Serving(port, cast(int, process.pid))
    finally:
        process.terminate()
        process.join(STOP_S_MAX)
        if process.exitcode is None:
            process.kill()


def settings_of(directory: Path) -> Settings:
    """What an operator would set, without the limits of rate that would hold a load back."""
    return Settings(data=directory, passphrase=read_passphrase(directory), limits=("off",))


def _serve(listening: socket.socket, settings: Settings, workers: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # requests are logged as always, unread
    make = partial(_measured, settings, workers)
    run_server(listening, make() if workers == 1 else make, workers=workers)


def _measured(settings: Settings, workers: int) -> ASGIApp:
    if workers > 1:
        serve_beside_others()
    log_to_stderr()
    return make_app(open_service(settings), more=(router,))


def _wait_until_ready(port: int) -> None:
    """Until the server answers that its log can be proven."""
    end = time.monotonic() + START_S_MAX
    while True:
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=START_S_MAX)
        # Until it listens, nothing answers.
        with closing(asking), suppress(OSError):
            asking.request("GET", "/readyz")
            if asking.getresponse().status == 200:
                return
        assert time.monotonic() < end, "the server that is to be measured does not become ready"
        time.sleep(0.05)
