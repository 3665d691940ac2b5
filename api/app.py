"""The HTTP application around one opened service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

from api import errors
from api.deps import Service
from api.head import Head
from api.routers import description, files, health, log, reads, statements
from api.security import Guard, log_to_stderr
from api.settings import Settings
from api.wiring import open_service
from ledger import __version__


def make_app(service: Service) -> ASGIApp:
    """Routes and guards around a service, which is closed when the server has stopped."""

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
        openapi_url=None,  # `api.routers.description` serves it, with this ledger's own examples
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        lifespan=lifespan,
    )
    app.state.service = service
    for one in (statements, files, reads, log, health, description):
        app.include_router(one.router)
    errors.install(app)
    return Guard(Head(app))  # around the framework's own last resort, too


def served_app(settings: Settings) -> ASGIApp:
    """The application of a process that serves beside others, opened from what the operator set."""
    log_to_stderr()
    return make_app(open_service(settings))
