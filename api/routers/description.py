"""/openapi.json: the whole API as OpenAPI 3.1, with examples that work on the very ledger that is served."""

from __future__ import annotations

from copy import deepcopy

import msgspec
from fastapi import APIRouter, Request, Response

from api import answers, describe, examples

router = APIRouter()


@router.get(
    "/openapi.json",
    summary="This description",
    response_class=Response,
    responses=describe.raw("application/json", "OpenAPI 3.1."),
)
def description(request: Request) -> Response:
    """Its examples are of what this ledger holds."""
    made = deepcopy(describe.document(request.app))
    examples.add(made, request.app.state.service.ledger)
    return answers.kept(request, msgspec.json.encode(made), "application/json", cache=answers.ASK_AGAIN)
