"""Access tokens over HTTP, and the public keys that they and webhooks are signed with."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from api import describe, tokens
from api.deps import ServiceDep
from api.grants import FORM_TYPE, TOKEN_PATH, Granted
from api.limits import read_body

router = APIRouter()

_TEXT = {"type": "string"}
_PARAMETERS = ("bad_parameter", "missing_parameter", "repeated_parameter", "unknown_parameter")
_FORM: dict[str, Any] = {
    "type": "object",
    "required": ["grant_type", "client_assertion_type", "client_assertion"],
    "additionalProperties": False,
    "properties": {
        "grant_type": {"const": "client_credentials"},
        "client_assertion_type": {"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
        "client_assertion": {**_TEXT, "description": "A JWT that your registered key signed; docs/access.md."},
        "scope": {**_TEXT, "description": "Some of what your roles allow, separated by spaces."},
    },
}
_GRANTED: dict[str, Any] = {
    "type": "object",
    "required": ["access_token", "expires_in", "scope", "token_type"],
    "properties": {"access_token": _TEXT, "expires_in": {"type": "integer"}, "scope": _TEXT, "token_type": _TEXT},
}


@router.post(
    TOKEN_PATH,
    summary="Get an access token",
    response_class=Response,
    responses={
        200: {"description": "A token.", "content": {"application/json": {"schema": _GRANTED}}},
        **describe.problems(
            {
                400: (
                    "bad_form",
                    "bad_scope",
                    "missing_parameter",
                    "repeated_parameter",
                    "unknown_parameter",
                    "bad_parameter",
                ),
                401: ("bad_assertion", "assertion_used"),
                413: ("too_large",),
                415: ("wrong_content_type", "encoded_body"),
                422: ("unknown_parameter",),
                429: ("rate_limited",),
            }
        ),
    },
    openapi_extra={"requestBody": {"required": True, "content": {FORM_TYPE: {"schema": _FORM}}}},
)
async def token(request: Request, service: ServiceDep) -> Response:
    """For a client assertion (RFC 7523) signed by a key that is registered to the party and in force.

    The token is good for some minutes, for private reading alone, and no longer than its key.
    """
    keys = service.keys
    form = await read_body(request, content_type=FORM_TYPE, limit=tokens.FORM_BYTES_MAX)
    granted: Granted = await run_in_threadpool(tokens.grant, service.ledger, keys.token, form)
    return Response(msgspec.json.encode(granted), headers={"Pragma": "no-cache"}, media_type="application/json")


_KEYS = {"type": "object", "required": ["keys"], "properties": {"keys": {"type": "array", "items": {"type": "object"}}}}


@router.get(
    "/.well-known/jwks.json",
    summary="The service's public keys",
    response_class=Response,
    responses={200: {"description": "A JWK set.", "content": {"application/jwk-set+json": {"schema": _KEYS}}}},
)
def jwks(service: ServiceDep) -> Response:
    """As RFC 7517 has it: of tokens first, then of webhooks."""
    keys = [service.keys.token.jwk, service.keys.webhook.jwk]
    return Response(
        msgspec.json.encode({"keys": keys}),
        headers={"Cache-Control": "no-cache"},
        media_type="application/jwk-set+json",
    )
