"""The log over HTTP, as C2SP tlog-tiles says, and entries with their proofs.

Source: C2SP tlog-tiles (TLOG-SPEC 6). Covers THREATS H05, H15.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api import answers, describe
from ledger.core.strict import decimal
from ledger.errors import LedgerError, Malformed
from ledger.service import publish
from ledger.service import submit as acts

_INDEX_MAX = 2**53 - 1
_TEXT, _BYTES = "text/plain; charset=utf-8", "application/octet-stream"

router = APIRouter()


@router.get(
    "/log/checkpoint",
    summary="The signed checkpoint",
    response_class=Response,
    responses=describe.raw(_TEXT, "A signed note (C2SP tlog-checkpoint): origin, size, root, signatures."),
    openapi_extra={"parameters": []},
)
def checkpoint(request: Request) -> Response:
    """What everything in the log is proven to; ask again, it grows."""
    raw = publish.checkpoint(request.app.state.service.ledger)
    return answers.kept(request, raw, _TEXT, cache=answers.ASK_AGAIN)


@router.get(
    "/log/{path:path}",
    summary="A tile or entry bundle",
    response_class=Response,
    responses=describe.raw(_BYTES, "Hashes of 32 bytes, or entries each with its length in two bytes before it.")
    | describe.problems({404: ("bad_tile_path", "no_tile")}),
    openapi_extra={"parameters": [describe.path("path", "`tile/<level>/<index>[.p/<width>]` or `tile/entries/...`.")]},
)
def tile(request: Request, path: str) -> Response:
    """What is here never changes. Entry bundles are compressed for whoever accepts gzip, hash tiles never."""
    raw = publish.tile(request.app.state.service.ledger, path)
    return answers.kept(request, raw, _BYTES, zipped=path.startswith("tile/entries/"))


@router.get(
    "/v1/entries/{index}",
    summary="One entry",
    response_class=Response,
    responses=describe.raw("application/json", "The entry: index, previous, recorded_at and the statement (a JWS).")
    | describe.problems({404: ("no_entry",), 422: ("unknown_parameter",)}),
    openapi_extra={"parameters": [describe.path("index", "Index of the entry, from 0.", shape=describe.INDEX)]},
)
def entry(request: Request, index: str) -> Response:
    """The very bytes that were hashed and signed for."""
    return answers.kept(request, _prove(request, index).entry, "application/json")


@router.get(
    "/v1/entries/{index}/proof",
    summary="The proof of one entry",
    response_class=Response,
    responses=describe.raw(_TEXT, "A .tlog-proof file (C2SP tlog-proof) under the newest checkpoint.")
    | describe.problems({404: ("no_entry",), 422: ("unknown_parameter",)}),
    openapi_extra={"parameters": [describe.path("index", "Index of the entry, from 0.", shape=describe.INDEX)]},
)
def proof(request: Request, index: str) -> Response:
    """Keep it with the entry: both together need no server any more."""
    raw = _prove(request, index).receipt.encode()
    return answers.kept(request, raw, _TEXT, cache=answers.ASK_AGAIN)


def _prove(request: Request, index: str) -> acts.Proof:
    answers.require_no_query(request)
    try:
        number = decimal(index, limit=_INDEX_MAX)
    except LedgerError:
        raise Malformed("no_entry", f"{index[:40]!a} is no index of an entry") from None
    return acts.prove(request.app.state.service.ledger, [number])[0]
