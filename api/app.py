"""The HTTP application around one opened ledger."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.types import ASGIApp

from api import errors
from api.routers import health, log, statements
from api.security import Guard
from ledger import __version__
from ledger.service.ledger import Ledger


def make_app(ledger: Ledger) -> ASGIApp:
    """Routes and guards; the caller opens the ledger and closes it when the server has stopped."""
    app = FastAPI(
        title="gigaton",
        version=__version__,
        summary="A ledger of carbon-reduction claims that nobody has to trust.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.ledger = ledger
    for one in (statements, log, health):
        app.include_router(one.router)
    errors.install(app)
    return Guard(app)  # around the framework's own last resort, too
