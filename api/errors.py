"""Errors as RFC 9457 problems: a stable code, what is wrong, and what to do next. The one mapping to HTTP."""

from __future__ import annotations

import logging

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from api.logs import event
from api.security import CLIENT_GONE, tell
from ledger.codes import REMEDIES
from ledger.errors import Conflict, LedgerError, Malformed, NotAllowed, Refused, Unavailable, Unproven

_LOG = logging.getLogger("gigaton.http")
_WITHHELD = "the service cannot do this now; the operator's log says why, under the X-Request-Id of this answer"
_RETRY_AFTER_S = 5
_CHALLENGE = 'Bearer realm="gigaton"'

_BY_CODE = {
    "assertion_used": 401,
    "bad_assertion": 401,
    "bad_tile_path": 404,
    "bad_token": 401,
    "evidence_too_large": 413,
    "no_draft": 404,
    "no_webhook": 404,
    "no_certificate_file": 404,
    "no_entry": 404,
    "bad_request": 400,
    "head_too_large": 431,
    "no_evidence": 404,
    "no_route": 404,
    "no_tile": 404,
    "no_token": 401,
    "rate_limited": 429,
    "unknown_id": 404,
    "wrong_method": 405,
    "target_too_long": 414,
    "too_large": 413,
    "too_slow": 408,
    "encoded_body": 415,
    "wrong_content_type": 415,
}
_BY_BRANCH: tuple[tuple[type[LedgerError], int], ...] = (
    (Malformed, 400),
    (NotAllowed, 403),
    (Conflict, 409),
    (Refused, 422),
    (Unproven, 422),
    (Unavailable, 503),
)


def status_of(error: LedgerError) -> int:
    """The HTTP status of an error."""
    return _BY_CODE.get(error.code) or next((status for kind, status in _BY_BRANCH if isinstance(error, kind)), 503)


def problem(error: LedgerError) -> Response:
    """The error as `application/problem+json`.

    What is unavailable may be so for reasons that name files, addresses or SQL: those go to the log alone.
    """
    status = status_of(error)
    withheld = status >= 500
    body = {
        "type": "about:blank",
        "title": error.code.replace("_", " "),
        "status": status,
        "code": error.code,
        "detail": _WITHHELD if withheld else error.message,
        "remedy": error.remedy,
        "facts": {} if withheld else error.facts,
    }
    made = Response(msgspec.json.encode(body), status, media_type="application/problem+json")
    if status == 401:
        made.headers["WWW-Authenticate"] = _CHALLENGE + (', error="invalid_token"' if error.code == "bad_token" else "")
    if status in (429, 503):
        made.headers["Retry-After"] = str(error.facts.get("retry_after_s", _RETRY_AFTER_S))
    return made


def answer(scope: Scope, error: LedgerError) -> Response:
    """The error as a problem, noted for the line that is logged of its request."""
    tell(scope, error.code)
    if status_of(error) >= 500:
        event("unavailable", level=logging.WARNING, code=error.code, message=error.message)
    return problem(error)


def _methods_at(app: FastAPI, scope: Scope) -> list[str]:
    """The methods of an address: the framework names those of one route of it alone."""
    template = getattr(scope.get("route"), "path", "")
    found = [verb.upper() for verb in app.openapi()["paths"].get(template, ())]
    return sorted({*found, "HEAD"} if "GET" in found else found)


def install(app: FastAPI) -> None:
    """Let every error of an application leave it as a problem."""

    @app.exception_handler(LedgerError)
    async def _deliberate(request: Request, error: LedgerError) -> Response:
        return answer(request.scope, error)

    @app.exception_handler(HTTPException)
    async def _routing(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            made = answer(request.scope, Malformed("wrong_method", f"{request.method} is not possible here"))
            made.headers["Allow"] = ", ".join(_methods_at(app, request.scope))
            return made
        return answer(request.scope, Malformed("no_route", "there is nothing at this address"))

    @app.exception_handler(ClientDisconnect)
    async def _gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=CLIENT_GONE)

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> Response:
        # A bug of ours; what is known goes to the log, and nothing of it to the caller.
        _LOG.error("unforeseen", exc_info=error, extra={"fields": {"code": "unforeseen"}})
        code = "unforeseen"
        tell(request.scope, code)
        body = {"type": "about:blank", "title": code, "status": 500, "code": code, "remedy": REMEDIES[code]}
        return Response(msgspec.json.encode(body), 500, media_type="application/problem+json")
