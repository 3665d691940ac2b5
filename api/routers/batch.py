"""Recording many statements in one request: a line each, answered while more are sent."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api import describe
from api.batch import RESULT_TYPE, BatchAnswer
from api.deps import ServiceDep
from api.limits import require_type
from api.ndjson import LINE_BYTES_MAX

CONTENT_TYPE = "application/x-ndjson"

router = APIRouter()

# No type: whatever a line is, it is answered for itself.
_BODY = {
    "description": f"A JSON string a line, each holding one JWS; a line has at most {LINE_BYTES_MAX} bytes.",
}
_LINES: dict[str, Any] = {
    "type": "string",
    "description": "A JSON object a line: for each line of the request, in its order, "
    '`{"line":n,"entry_hash":...,"index":...,"new":...,"size":...}` or '
    '`{"line":n,"code":...,"detail":...,"remedy":...,"facts":{...}}`; then one last line, '
    '`{"recorded":n,"refused":n,"checkpoint":"..."}`, or, when the ledger can record no more, '
    '`{"recorded":n,"refused":n,"code":...,"detail":...,"remedy":...,"facts":{...},"begin_again_at":line}`. '
    "An answer without last line was cut off: send the request again, what is recorded is not recorded twice.",
}

_ANSWERS: dict[int | str, Any] = {
    200: {"description": "A result a line.", "content": {RESULT_TYPE: {"schema": _LINES}}}
}


@router.post(
    "/v1/statements:batch",
    summary="Record many signed statements",
    response_class=Response,
    responses=_ANSWERS | describe.refusals(415),
    openapi_extra={"requestBody": {"required": True, "content": {CONTENT_TYPE: {"schema": _BODY}}}},
)
async def submit_many(request: Request, service: ServiceDep) -> Response:
    """A line each way: a refusal never stops the rest, and each result says that its line is durable.

    The receipt of a recorded line is what `GET /v1/entries/{index}/proof` gives.
    Results are sent while the request is still read; a client may take them then, or after it has sent everything.
    """
    require_type(request, content_type=CONTENT_TYPE)
    return BatchAnswer(service.batches, request)
