"""Being told of new entries, over HTTP: a party's own subscriptions, and what it could not be told."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api.bearer import WebhooksCaller
from api.deps import LedgerDep, ServiceDep
from api.limits import read_body
from api.strict_json import JSON_BYTES_MAX, read_json
from ledger.errors import Refused
from ledger.service import webhooks as acts

PATH = "/v1/webhooks/{identity}"
CONTENT_TYPE = "application/json"

router = APIRouter()

_SCHEMAS, _COMPONENTS = msgspec.json.schema_components(
    [acts.Wanted, acts.Subscription], ref_template="#/components/schemas/{name}"
)


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it refers to written out, and anchors as ECMA-262 has them."""
    text = msgspec.json.encode(schema).decode()
    for name, one in _COMPONENTS.items():
        text = text.replace(f'{{"$ref":"#/components/schemas/{name}"}}', msgspec.json.encode(one).decode())
    for name, one in _COMPONENTS.items():
        text = text.replace(f'{{"$ref":"#/components/schemas/{name}"}}', msgspec.json.encode(one).decode())
    made: dict[str, Any] = msgspec.json.decode(text.replace(r"\\A", "^").replace(r"\\Z", "$"))
    return {"content": {CONTENT_TYPE: {"schema": made}}}


_WANTED, _SUBSCRIPTION = (_body(schema) for schema in _SCHEMAS)
_SHOWN = {"description": "The subscription.", **_SUBSCRIPTION}


@router.post(
    "/v1/webhooks",
    status_code=201,
    summary="Be told of new entries",
    response_class=Response,
    responses={201: _SHOWN},
    openapi_extra={"requestBody": {"required": True, **_WANTED}},
)
async def subscribe(request: Request, service: ServiceDep, caller: WebhooksCaller) -> Response:
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


@router.get("/v1/webhooks", summary="Your subscriptions", response_class=Response)
def listed(request: Request, ledger: LedgerDep, caller: WebhooksCaller) -> Response:
    """Oldest first."""
    _require_no_query(request)
    return _json({"items": acts.listed(ledger, owner=caller.party)})


@router.get(PATH, summary="One subscription", response_class=Response, responses={200: _SHOWN})
def get(request: Request, identity: str, ledger: LedgerDep, caller: WebhooksCaller) -> Response:
    """How far it has come. That of another party is not found."""
    _require_no_query(request)
    return _json(acts.get(ledger, identity, owner=caller.party))


@router.delete(PATH, status_code=204, summary="End a subscription", response_class=Response)
def remove(request: Request, identity: str, ledger: LedgerDep, caller: WebhooksCaller) -> Response:
    """With all that it had still to be told."""
    _require_no_query(request)
    acts.remove(ledger, identity, owner=caller.party)
    return Response(status_code=204)


@router.get(f"{PATH}/dead", summary="What you could not be told", response_class=Response)
def dead(request: Request, identity: str, ledger: LedgerDep, caller: WebhooksCaller) -> Response:
    """Deliveries that were given up, with what went wrong last."""
    _require_no_query(request)
    return _json({"items": acts.dead(ledger, identity, owner=caller.party)})


@router.post(f"{PATH}/dead:retry", summary="Try again what was given up", response_class=Response)
def revive(request: Request, identity: str, ledger: LedgerDep, caller: WebhooksCaller) -> Response:
    """From the first attempt on."""
    _require_no_query(request)
    return _json({"retried": acts.revive(ledger, identity, owner=caller.party)})


def _json(value: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


def _require_no_query(request: Request) -> None:
    if request.url.query:
        raise Refused("unknown_parameter", "this takes no parameters")
