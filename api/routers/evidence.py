"""Evidence over HTTP: up and down in pieces, found by digest and claim, read by whom the claim concerns."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api import describe
from api.bearer import EvidenceReader, EvidenceWriter
from api.deps import LedgerDep
from api.head import only_head
from api.uploads import FileAnswer, stream_body
from ledger.service import evidence as acts

PATH = "/v1/evidence/{digest}"
CONTENT_TYPE = "application/octet-stream"

router = APIRouter()

_BYTES = {"content": {CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
_CLAIM: dict[str, Any] = {
    "name": "claim",
    "in": "query",
    "required": True,
    "description": "Id of the claim, which may not be recorded yet.",
    "schema": {"type": "string", "pattern": "^urn:uuid:[0-9a-f-]{36}$"},
}
_VISIBILITY: dict[str, Any] = {
    "name": "visibility",
    "in": "query",
    "description": "Public evidence is read by anybody once the claim is recorded and names it.",
    "schema": {"enum": ["private", "public"], "default": "private"},
}


_ASKED = ("bad_parameter", "missing_parameter", "repeated_parameter", "unknown_parameter")
_READING = describe.problems(
    {401: ("bad_token",), 403: ("scope_too_small",), 404: ("no_evidence",), 422: _ASKED, 429: ("rate_limited",)}
)
_WRITING = describe.problems(
    {
        400: ("bad_hex", "body_cut_off"),
        401: ("no_token", "bad_token"),
        403: ("scope_too_small", "quota_used_up"),
        413: ("evidence_too_large",),
        415: ("encoded_body",),
        422: (*_ASKED, "digest_mismatch"),
        429: ("rate_limited",),
    }
)
_BEFORE: dict[str, Any] = describe.undated(describe.schema_of(acts.Stored), "You had uploaded it before.")[200]


@router.put(
    PATH,
    status_code=201,
    summary="Upload evidence",
    response_class=Response,
    responses={200: _BEFORE, 201: {**_BEFORE, "description": "Kept, durably."}, **_WRITING},
    openapi_extra={"parameters": [_CLAIM, _VISIBILITY], "requestBody": {"required": True, **_BYTES}},
)
async def put(request: Request, digest: str, ledger: LedgerDep, caller: EvidenceWriter) -> Response:
    """The body must have the SHA-256 of the path; the same again changes its visibility at most."""
    asked = acts.read_question(request.query_params.multi_items(), writing=True)
    pieces = stream_body(request, limit=acts.EVIDENCE_BYTES_MAX)
    receiving = acts.receive(ledger, owner=caller.party, claim=asked.claim, digest=digest)
    with ExitStack() as stack:
        upload = await run_in_threadpool(stack.enter_context, receiving)
        async for piece in pieces:
            await run_in_threadpool(upload.write, piece)
        stored: acts.Stored = await run_in_threadpool(upload.keep, asked.visibility)
    return Response(msgspec.json.encode(stored), 201 if stored.new else 200, media_type="application/json")


@router.get(
    PATH,
    summary="Read evidence",
    response_class=Response,
    responses=describe.plain(CONTENT_TYPE, "Its bytes.") | _READING,
    openapi_extra={"parameters": [_CLAIM]},
)
def get(request: Request, digest: str, ledger: LedgerDep, caller: EvidenceReader) -> Response:
    """Its bytes, checked against the digest. What you may not read is not found, as if it were not there."""
    found = _find(request, digest, ledger, caller)
    if only_head(request):
        found.file.close()
        return Response(headers=_headers(digest, found.size), media_type=CONTENT_TYPE)
    return FileAnswer(found.file, headers=_headers(digest, found.size), media_type=CONTENT_TYPE)


def _find(request: Request, digest: str, ledger: LedgerDep, caller: EvidenceReader) -> acts.Evidence:
    asked = acts.read_question(request.query_params.multi_items(), writing=False)
    return acts.get(ledger, party=None if caller is None else caller.party, claim=asked.claim, digest=digest)


def _headers(digest: str, size: int) -> dict[str, str]:
    """Whatever it is, it is a file to be kept, never a page to be shown."""
    return {"Content-Disposition": f'attachment; filename="{digest}"', "Content-Length": str(size)}
