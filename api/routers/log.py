"""The log over HTTP, as C2SP tlog-tiles says, and entries with their proofs."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from ledger.core.strict import decimal
from ledger.errors import LedgerError, Malformed
from ledger.service import publish
from ledger.service import submit as acts

_FOREVER = "public, max-age=31536000, immutable"
_INDEX_MAX = 2**53 - 1

router = APIRouter()


@router.get("/log/checkpoint", summary="The signed checkpoint", response_class=Response)
def checkpoint(request: Request) -> Response:
    """A signed note (C2SP tlog-checkpoint): origin, size, root, signatures."""
    raw = publish.checkpoint(request.app.state.service.ledger)
    return Response(raw, headers={"Cache-Control": "no-cache"}, media_type="text/plain; charset=utf-8")


@router.get("/log/{path:path}", summary="A tile or entry bundle", response_class=Response)
def tile(request: Request, path: str) -> Response:
    """`tile/<level>/<index>[.p/<width>]` or `tile/entries/...`; what it answers never changes."""
    raw = publish.tile(request.app.state.service.ledger, path)
    return Response(raw, headers={"Cache-Control": _FOREVER}, media_type="application/octet-stream")


@router.get("/v1/entries/{index}", summary="One entry", response_class=Response)
def entry(request: Request, index: str) -> Response:
    """The very bytes that were hashed and signed for."""
    raw = _prove(request, index).entry
    return Response(raw, headers={"Cache-Control": _FOREVER}, media_type="application/json")


@router.get("/v1/entries/{index}/proof", summary="The proof of one entry", response_class=Response)
def proof(request: Request, index: str) -> Response:
    """A .tlog-proof file under the newest checkpoint."""
    raw = _prove(request, index).receipt.encode()
    return Response(raw, headers={"Cache-Control": "no-cache"}, media_type="text/plain; charset=utf-8")


def _prove(request: Request, index: str) -> acts.Proof:
    try:
        number = decimal(index, limit=_INDEX_MAX)
    except LedgerError:
        raise Malformed("no_entry", f"{index[:40]!r} is no index of an entry") from None
    return acts.prove(request.app.state.service.ledger, [number])[0]
