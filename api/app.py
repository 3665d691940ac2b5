"""The HTTP application around one opened service."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from api import errors
from api.deps import Service
from api.head import Head
from api.logs import event, log_to_stderr
from api.rates import Limited
from api.routers import (
    batch,
    description,
    drafts,
    evidence,
    files,
    health,
    log,
    metrics,
    reads,
    statements,
    tokens,
    webhooks,
)
from api.security import Guard
from api.settings import Settings
from api.wiring import open_service
from ledger import __version__
from ledger.errors import LedgerError
from ledger.sequencer.checking import end_with_parent

# What handlers do in threads is short, and done in Python: with more of them, all wait for each other's turn.
# Beside the 40 that are usual, 8 gave 0.9 to 1.7 times the reads, 1.25 in the middle (benchmarks/2026-11-25.md).
THREADS_MAX = 8
SAMPLE_S = 1
RESTART_PAUSE_S = 1
# The files of certificates before the certificates, whose numbers their addresses begin with.
_ROUTERS = (
    *(statements, batch, files, reads, log, health, metrics),
    *(tokens, evidence, drafts, webhooks, description),
)


def make_app(service: Service, *, more: Sequence[APIRouter] = ()) -> ASGIApp:
    """Routes and guards around a service, which is closed when the server has stopped.

    `more` is served beside the ledger's own, behind the same guards.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        # What was made to serve is kept as long as the process: looking through it again takes 90 ms every two seconds.
        gc.collect()
        gc.freeze()
        current_default_thread_limiter().total_tokens = THREADS_MAX
        if service.deliverer is not None:
            service.deliverer.start()
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
        openapi_url=None,  # `api.routers.description` serves it, with this ledger's own examples
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
    )
    app.state.service = service
    service.metrics.watch(service.ledger, waiting=lambda: service.submitter.waiting)
    for router in (*(one.router for one in _ROUTERS), *more):
        app.include_router(router)
    errors.install(app)
    # Around the framework's own last resort, too.
    return Guard(Limited(Head(app), service.rates), metrics=service.metrics, log_clients=service.log_clients)


def served_app(settings: Settings) -> ASGIApp:
    """The application of a process that serves beside others, opened from what the operator set."""
    log_to_stderr()
    serve_beside_others()
    try:
        return make_app(open_service(settings))
    except LedgerError as error:
        # The first process found all in order, so this may pass: the parent starts another in a while.
        event("process_failed", level=logging.ERROR, code=error.code, message=error.message)
        time.sleep(RESTART_PAUSE_S)
        raise SystemExit(1) from None


def serve_beside_others() -> None:
    """What a serving process under another does first: it ends, in good order, when that one was killed."""
    end_with_parent(lambda: signal.raise_signal(signal.SIGTERM))


async def _sample(service: Service) -> None:
    """Keep the numbers fresh that another process may answer for."""
    while True:
        await asyncio.sleep(SAMPLE_S)
        service.metrics.sample()
