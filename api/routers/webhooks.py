"""Being told of new entries, over HTTP: a party's own subscriptions, and what it could not be told."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.bearer import WebhooksCaller
from api.deps import LedgerDep, ServiceDep
from api.describe import nothing, problems, schema_of, undated
from api.limits import read_body
from api.strict_json import JSON_BYTES_MAX, read_json
from ledger.errors import Refused
from ledger.service import webhooks as acts

PATH = "/v1/webhooks/{identity}"
CONTENT_TYPE = "application/json"

router = APIRouter()


def _items(shape: Any) -> dict[str, Any]:
    """A list of these."""
    items = {"type": "array", "items": schema_of(shape)}
    return {"type": "object", "required": ["items"], "properties": {"items": items}}


_CALLER = {
    401: ("no_token", "bad_token"),
    403: ("scope_too_small",),
    422: ("unknown_parameter",),
    429: ("rate_limited",),
}
_OF_ONE = problems({**_CALLER, 404: ("no_webhook",)})
_OF_A_NEW_ONE = problems(
    {
        **_CALLER,
        400: ("bad_body",),
        403: ("scope_too_small", "address_not_allowed", "quota_used_up"),
        413: ("too_large",),
        415: ("wrong_content_type", "encoded_body"),
    }
)
_SUBSCRIPTION = {CONTENT_TYPE: {"schema": schema_of(acts.Subscription)}}
_SHOWN = {"description": "The subscription.", "content": _SUBSCRIPTION}
_WANTED = {CONTENT_TYPE: {"schema": schema_of(acts.Wanted)}}
_LISTED = undated(_items(acts.Subscription), "Your subscriptions.")
_DEAD = undated(_items(acts.Dead), "Entries that you could not be told of.")
_RETRIED = undated(
    {"type": "object", "required": ["retried"], "properties": {"retried": {"type": "integer", "minimum": 0}}},
    "How many are tried again.",
)


@router.post(
    "/v1/webhooks",
    status_code=201,
    summary="Be told of new entries",
    response_class=Response,
    responses={201: _SHOWN, **_OF_A_NEW_ONE},
    openapi_extra={"requestBody": {"required": True, "content": _WANTED}},
)
async def create_webhook(request: Request, service: ServiceDep, caller: WebhooksCaller) -> Response:
    """From now on, of every entry that meets the filters, at an address that the operator allowed.

    Each delivery is a JWS of type `gigaton-webhook+jwt`; verify it with /.well-known/jwks.json.
    """
    _require_no_query(request)
    body = await read_body(request, content_type=CONTENT_TYPE, limit=JSON_BYTES_MAX)
    wanted = read_json(body, acts.Wanted)
    made = await run_in_threadpool(
        acts.subscribe, service.ledger, wanted, owner=caller.party, allowed=service.webhooks_allowed
    )
    return _json(made, 201, {"Location": f"/v1/webhooks/{made.id}"})


@router.get(
    "/v1/webhooks", summary="Your subscriptions", response_class=Response, responses={**_LISTED, **problems(_CALLER)}
)
def list_webhooks(request: Request, ledger: LedgerDep, caller: WebhooksCaller) -> Response:
    """Oldest first."""
    _require_no_query(request)
    return _json({"items": acts.listed(ledger, owner=caller.party)})


@router.get(PATH, summary="One subscription", response_class=Response, responses={200: _SHOWN, **_OF_ONE})
def get_webhook(request: Request, identity: str, ledger: LedgerDep, caller: WebhooksCaller) -> Response:
    """How far it has come. That of another party is not found."""
    _require_no_query(request)
    return _json(acts.get(ledger, identity, owner=caller.party))


@router.delete(
    PATH,
    status_code=204,
    summary="End a subscription",
    response_class=Response,
    responses={**nothing("Ended."), **_OF_ONE},
)
def delete_webhook(request: Request, identity: str, ledger: LedgerDep, caller: WebhooksCaller) -> Response:
    """With all that it had still to be told."""
    _require_no_query(request)
    acts.remove(ledger, identity, owner=caller.party)
    return Response(status_code=204)


@router.get(
    f"{PATH}/dead", summary="What you could not be told", response_class=Response, responses={**_DEAD, **_OF_ONE}
)
def list_dead(request: Request, identity: str, ledger: LedgerDep, caller: WebhooksCaller) -> Response:
    """Deliveries that were given up, with what went wrong last."""
    _require_no_query(request)
    return _json({"items": acts.dead(ledger, identity, owner=caller.party)})


@router.post(
    f"{PATH}/dead:retry",
    summary="Try again what was given up",
    response_class=Response,
    responses={**_RETRIED, **_OF_ONE},
)
def retry_dead(request: Request, identity: str, ledger: LedgerDep, caller: WebhooksCaller) -> Response:
    """From the first attempt on."""
    _require_no_query(request)
    return _json({"retried": acts.revive(ledger, identity, owner=caller.party)})


def _json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


def _require_no_query(request: Request) -> None:
    if request.url.query:
        raise Refused("unknown_parameter", "this takes no parameters")
