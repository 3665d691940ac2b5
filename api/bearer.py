"""Who calls: what a handler asks for when it must know, with RFC 6750's one way of saying it.

A token in a query or body is no token. A wrong one is refused also where none is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from api import tokens
from api.deps import ServiceDep
from api.rates import area_of
from api.tokens import Caller
from ledger.errors import NotAllowed

# What OpenAPI says; the header itself is read more strictly below.
_SCHEME = HTTPBearer(scheme_name="token", bearerFormat="JWT", description="From POST /v1/token.", auto_error=False)


def _caller(
    request: Request, service: ServiceDep, said: Annotated[HTTPAuthorizationCredentials | None, Depends(_SCHEME)]
) -> Caller | None:
    """The caller, where a token was sent.

    Raises: NotAllowed `bad_token`; Refused `rate_limited`; Unavailable `no_service_keys`, `busy`, `database_unusable`.
    """
    given = request.headers.getlist("authorization")
    if not given:
        return None
    scheme, _, token = given[0].partition(" ")
    if len(given) != 1 or scheme.lower() != "bearer":
        raise NotAllowed("bad_token", "there must be one Authorization header: Bearer, a space, and the token")
    caller = tokens.identify(service.ledger, service.keys.token, token)
    area = area_of(request.method, request.scope["path"])
    if area is not None:
        service.rates.charge(area, f"party {caller.party}")
    return caller


AnyCaller = Annotated[Caller | None, Depends(_caller)]


def requires(scope: str) -> Callable[[AnyCaller], Caller]:
    """A dependency that gives the caller, whose token must be good for this scope.

    Raises: NotAllowed `no_token`, `bad_token`, `scope_too_small`.
    """

    def require(caller: AnyCaller) -> Caller:
        if caller is None:
            raise NotAllowed("no_token", "this needs an access token")
        return _require(caller, scope)

    return require


def _require(caller: Caller, scope: str) -> Caller:
    if scope not in caller.scopes:
        raise NotAllowed("scope_too_small", f"this needs a token with the scope {scope}", scope=scope)
    return caller


def _reader(caller: AnyCaller) -> Caller | None:
    return None if caller is None else _require(caller, tokens.READ)


# Whoever calls, with a token that is good for it.
DraftsCaller = Annotated[Caller, Depends(requires(tokens.DRAFTS))]
WebhooksCaller = Annotated[Caller, Depends(requires(tokens.WEBHOOKS))]
EvidenceWriter = Annotated[Caller, Depends(requires(tokens.WRITE))]
# Anybody; whoever sends a token needs one that is good for it.
EvidenceReader = Annotated[Caller | None, Depends(_reader)]
