"""Whether the process lives, and whether it may be asked."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Request, Response

from api import describe
from ledger.errors import LedgerError, Unavailable
from ledger.service.publish import require_ready

router = APIRouter()


_ALIVE = {"type": "object", "required": ["status"], "properties": {"status": {"const": "alive"}}}
_READY = {
    "type": "object",
    "required": ["size", "status"],
    "properties": {"size": {"type": "integer", "minimum": 1}, "status": {"const": "ready"}},
}


@router.get(
    "/healthz",
    summary="The process lives",
    response_class=Response,
    responses=describe.undated(_ALIVE, "It does."),
)
async def healthz() -> Response:
    """Says nothing about the log."""
    return _json({"status": "alive"})


@router.get(
    "/readyz",
    summary="The log can be read and proven",
    response_class=Response,
    responses=describe.undated(_READY, "It can.") | describe.problems({503: ("not_ready",)}),
)
def readyz(request: Request) -> Response:
    """Reads the head, verifies its signature and the proof of the last entry under it."""
    try:
        size = require_ready(request.app.state.service.ledger)
    except LedgerError as error:
        raise Unavailable("not_ready", f"{error.code}: {error.message}") from None
    return _json({"size": size, "status": "ready"})


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
