"""The HTTP application around one opened service."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from api import errors
from api.deps import Service
from api.logs import event, log_to_stderr
from api.routers import health, log, metrics, reads, statements
from api.security import Guard
from api.server import follow_parent
from api.settings import Settings
from api.wiring import open_service
from ledger import __version__
from ledger.errors import LedgerError

SAMPLE_S = 1
RESTART_PAUSE_S = 1


def make_app(service: Service) -> ASGIApp:
    """Routes and guards around a service, which is closed when the server has stopped."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        sampling = asyncio.create_task(_sample(service))
        yield {"metrics": service.metrics}  # handed to every connection
        sampling.cancel()
        service.close()

    app = FastAPI(
        title="gigaton",
        version=__version__,
        summary="A ledger of carbon-reduction claims that nobody has to trust.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.service = service
    service.metrics.watch(service.ledger)
    for one in (statements, reads, log, health, metrics):
        app.include_router(one.router)
    errors.install(app)
    return Guard(
        app, metrics=service.metrics, log_clients=service.log_clients
    )  # around the framework's own last resort, too


def served_app(settings: Settings) -> ASGIApp:
    """The application of a process that serves beside others, opened from what the operator set."""
    log_to_stderr()
    follow_parent()
    try:
        return make_app(open_service(settings))
    except LedgerError as error:
        # The first process found all in order, so this may pass: the parent starts another in a while.
        event("process_failed", level=logging.ERROR, code=error.code, message=error.message)
        time.sleep(RESTART_PAUSE_S)
        raise SystemExit(1) from None


async def _sample(service: Service) -> None:
    """Keep the numbers fresh that another process may answer for."""
    while True:
        await asyncio.sleep(SAMPLE_S)
        service.metrics.sample()
