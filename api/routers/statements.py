"""Recording statements over HTTP. A statement is authorised by its own signatures and the rule book alone."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from api import describe
from api.deps import SubmitterDep
from api.limits import read_body
from ledger.core.jws import STATEMENT_BYTES_MAX

CONTENT_TYPE = "application/vc+jwt"

router = APIRouter()

_RECORDED: dict[str, Any] = {
    "type": "object",
    "required": ["entry_hash", "index", "new", "receipt", "size"],
    "properties": {
        "entry_hash": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Leaf hash of the entry, hex."},
        "index": {"type": "integer", "minimum": 0, "description": "Where the statement stands in the log."},
        "size": {"type": "integer", "minimum": 1, "description": "Size of the log under the receipt's checkpoint."},
        "new": {"type": "boolean", "description": "False when these very bytes had been recorded before."},
        "receipt": {"type": "string", "description": "The .tlog-proof file: keep it with the entry."},
    },
}
_ANSWERS = describe.undated(_RECORDED, "These very bytes are recorded already.")
_ANSWERS[201] = describe.undated(_RECORDED, "Recorded, durably.")[200]


@router.post(
    "/v1/statements",
    status_code=201,
    summary="Record a signed statement",
    response_class=Response,
    responses=_ANSWERS | describe.refusals(400, 403, 409, 413, 415, 422),
    openapi_extra={"requestBody": {"required": True, "content": {CONTENT_TYPE: {"schema": {"type": "string"}}}}},
)
async def submit(request: Request, submitter: SubmitterDep) -> Response:
    """Answers after the entry is committed and its checkpoint signed, so one call is enough.

    The same bytes again give the same entry: a call that was cut off is simply made again.
    """
    statement = await read_body(request, content_type=CONTENT_TYPE, limit=STATEMENT_BYTES_MAX)
    done = await submitter.submit(statement)
    index, new = done.recorded.index, done.recorded.new
    body = {
        "entry_hash": done.recorded.leaf.hex(),
        "index": index,
        "new": new,
        "receipt": done.receipt.encode().decode("utf-8"),
        "size": done.recorded.size,
    }
    headers = {"Location": f"/v1/entries/{index}"}
    return Response(msgspec.json.encode(body), 201 if new else 200, headers, media_type="application/json")
