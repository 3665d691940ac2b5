"""The HTTP application around one opened service."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from api import errors
from api.deps import Service
from api.rates import Limited
from api.routers import batch, drafts, evidence, health, log, reads, statements, tokens
from api.security import Guard, log_to_stderr
from api.settings import Settings
from api.wiring import open_service
from ledger import __version__
from ledger.sequencer.checking import end_with_parent


def make_app(service: Service, *, more: Sequence[APIRouter] = ()) -> ASGIApp:
    """Routes and guards around a service, which is closed when the server has stopped.

    `more` is served beside the ledger's own, behind the same guards.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
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
    for router in (*(one.router for one in (statements, batch, reads, log, health, tokens, evidence, drafts)), *more):
        app.include_router(router)
    errors.install(app)
    return Guard(Limited(app, service.rates))  # around the framework's own last resort, too


def served_app(settings: Settings) -> ASGIApp:
    """The application of a process that serves beside others, opened from what the operator set."""
    log_to_stderr()
    serve_beside_others()
    return make_app(open_service(settings))


def serve_beside_others() -> None:
    """What a serving process under another does first: it ends, in good order, when that one was killed."""
    end_with_parent(lambda: signal.raise_signal(signal.SIGTERM))
