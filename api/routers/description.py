"""/openapi.json: the whole API as OpenAPI 3.1, with examples that work on the very ledger that is served."""

from __future__ import annotations

from copy import deepcopy
from threading import Lock

import msgspec
from fastapi import APIRouter, Request, Response

from api import answers, describe, examples
from ledger.service import publish

router = APIRouter()
_WRITING = Lock()


@router.get(
    "/openapi.json",
    summary="This description",
    response_class=Response,
    responses=describe.raw("application/json", "OpenAPI 3.1."),
)
def description(request: Request) -> Response:
    """Its examples are of what this ledger holds."""
    state, size = request.app.state, publish.signed_size(request.app.state.service.ledger)
    # Examples stay true while the log grows; where there were none, they are looked for when it has doubled.
    with _WRITING:
        if size >= getattr(state, "described_until", 0):
            made = deepcopy(describe.document(request.app))
            examples.add(made, state.service.ledger)
            state.description, state.described_until = msgspec.json.encode(made), 2 * size
    return answers.kept(request, state.description, "application/json", cache=answers.ASK_AGAIN)
