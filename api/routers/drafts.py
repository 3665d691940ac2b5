"""Drafts over HTTP: a party's own, by ids of its own choice."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api import describe
from api.bearer import DraftsCaller
from api.deps import LedgerDep
from api.limits import read_body
from ledger.errors import Refused
from ledger.service import drafts as acts

PATH = "/v1/drafts/{identity}"
CONTENT_TYPE = "application/octet-stream"

router = APIRouter()

_BYTES = {"content": {CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}}


_CALLER = {
    401: ("no_token", "bad_token"),
    403: ("scope_too_small",),
    422: ("unknown_parameter",),
    429: ("rate_limited",),
}
_OF_ALL = describe.problems(_CALLER)
_OF_ONE = describe.problems({**_CALLER, 400: ("bad_draft_id",), 404: ("no_draft",)})
_OF_A_NEW_ONE = describe.problems(
    {
        **_CALLER,
        400: ("bad_draft_id", "body_cut_off"),
        403: ("scope_too_small", "quota_used_up"),
        413: ("too_large",),
        415: ("wrong_content_type", "encoded_body"),
    }
)
_ITEMS = {"type": "object", "required": ["items"], "properties": {"items": describe.schema_of(list[acts.Draft])}}
_KEPT: dict[str, Any] = describe.undated(
    {
        "type": "object",
        "required": ["id", "new"],
        "properties": {"id": {"type": "string"}, "new": {"type": "boolean"}},
    },
    "It took the place of what was kept before.",
)[200]
_NEW = {**_KEPT, "description": "Kept."}


@router.get(
    "/v1/drafts",
    summary="Your drafts",
    response_class=Response,
    responses=describe.undated(_ITEMS, "Without bytes.") | _OF_ALL,
)
def list_drafts(request: Request, ledger: LedgerDep, caller: DraftsCaller) -> Response:
    """The latest change first."""
    _require_no_query(request)
    found = acts.listed(ledger, owner=caller.party)
    return Response(msgspec.json.encode({"items": found}), media_type="application/json")


@router.put(
    PATH,
    status_code=201,
    summary="Keep a draft",
    response_class=Response,
    responses={200: _KEPT, 201: _NEW, **_OF_A_NEW_ONE},
    openapi_extra={"requestBody": {"required": True, **_BYTES}},
)
async def put_draft(request: Request, identity: str, ledger: LedgerDep, caller: DraftsCaller) -> Response:
    """Bytes that are yours alone; the id is a UUID that you choose."""
    _require_no_query(request)
    body = await read_body(request, content_type=CONTENT_TYPE, limit=acts.DRAFT_BYTES_MAX)
    new: bool = await run_in_threadpool(acts.put, ledger, identity, body, owner=caller.party)
    said = msgspec.json.encode({"id": identity, "new": new})
    return Response(said, 201 if new else 200, media_type="application/json")


@router.get(
    PATH,
    summary="Read a draft",
    response_class=Response,
    responses=describe.plain(CONTENT_TYPE, "Its bytes.") | _OF_ONE,
)
def get_draft(request: Request, identity: str, ledger: LedgerDep, caller: DraftsCaller) -> Response:
    """Its bytes. The id of another party's draft is not found."""
    _require_no_query(request)
    body = acts.get(ledger, identity, owner=caller.party)
    return Response(body, headers={"Content-Disposition": "attachment"}, media_type=CONTENT_TYPE)


@router.delete(
    PATH,
    status_code=204,
    summary="Remove a draft",
    response_class=Response,
    responses=describe.nothing("Removed.") | _OF_ONE,
)
def delete_draft(request: Request, identity: str, ledger: LedgerDep, caller: DraftsCaller) -> Response:
    """For good."""
    _require_no_query(request)
    acts.delete(ledger, identity, owner=caller.party)
    return Response(status_code=204)


def _require_no_query(request: Request) -> None:
    if request.url.query:
        raise Refused("unknown_parameter", "this takes no parameters")
