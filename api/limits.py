"""Bodies are measured before they are kept, and taken only in the form that is asked for (THREATS H01, H03, H04)."""

from __future__ import annotations

from fastapi import Request

from ledger.errors import Malformed


async def read_body(request: Request, *, content_type: str, limit: int) -> bytes:
    """The raw body.

    Raises: Malformed `too_large` and the codes of `require_type`.
    """
    require_type(request, content_type=content_type)
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated[:20]) > limit:
        raise Malformed("too_large", f"{stated[:20]} bytes, at most {limit} are taken", limit=limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise Malformed("too_large", f"more than the {limit} bytes that are taken", limit=limit)
    return bytes(body)


def require_type(request: Request, *, content_type: str) -> None:
    """That the body is of this type, as it is.

    Raises: Malformed `wrong_content_type`, `encoded_body`.
    """
    given = request.headers.getlist("content-type")
    if len(given) != 1 or given[0].partition(";")[0].strip().lower() != content_type:
        raise Malformed("wrong_content_type", f"this takes a body of type {content_type}", wanted=content_type)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Malformed("encoded_body", "a body is taken as it is, without a content coding")
