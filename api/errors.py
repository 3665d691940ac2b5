"""Errors as RFC 9457 problems: a stable code, what is wrong, and what to do next. The one mapping to HTTP."""

from __future__ import annotations

import logging

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from ledger.codes import REMEDIES
from ledger.errors import Conflict, LedgerError, Malformed, NotAllowed, Refused, Unavailable, Unproven

_LOG = logging.getLogger("gigaton.http")
_RETRY_AFTER_S = "5"

_BY_CODE = {
    "bad_tile_path": 404,
    "no_certificate_file": 404,
    "no_entry": 404,
    "no_route": 404,
    "no_tile": 404,
    "unknown_id": 404,
    "wrong_method": 405,
    "too_large": 413,
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
    """The error as `application/problem+json`."""
    status = status_of(error)
    body = {
        "type": "about:blank",
        "title": error.code.replace("_", " "),
        "status": status,
        "code": error.code,
        "detail": error.message,
        "remedy": error.remedy,
        "facts": error.facts,
    }
    made = Response(msgspec.json.encode(body), status, media_type="application/problem+json")
    if status == 503:
        made.headers["Retry-After"] = _RETRY_AFTER_S
    return made


def install(app: FastAPI) -> None:
    """Let every error of an application leave it as a problem."""

    @app.exception_handler(LedgerError)
    async def _deliberate(request: Request, error: LedgerError) -> Response:
        return problem(error)

    @app.exception_handler(HTTPException)
    async def _routing(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            made = problem(Malformed("wrong_method", f"{request.method} is not possible here"))
            made.headers.update(error.headers or {})
            return made
        return problem(Malformed("no_route", "there is nothing at this address"))

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> Response:
        # A bug of ours; what is known goes to the log, and nothing of it to the caller.
        _LOG.error("unforeseen %s", type(error).__name__, exc_info=error)
        code = "unforeseen"
        body = {"type": "about:blank", "title": code, "status": 500, "code": code, "remedy": REMEDIES[code]}
        return Response(msgspec.json.encode(body), 500, media_type="application/problem+json")
