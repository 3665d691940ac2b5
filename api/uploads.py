"""Bodies that come and go in pieces, never whole in memory (THREATS H01, H03)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import BinaryIO

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ledger.errors import Malformed
from ledger.service.evidence import pieces


class FileAnswer(StreamingResponse):
    """An open file as a body, closed also when the client goes before its end."""

    def __init__(self, file: BinaryIO, *, headers: dict[str, str], media_type: str) -> None:
        super().__init__(pieces(file), headers=headers, media_type=media_type)
        self._open = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._open:
            await super().__call__(scope, receive, send)


async def stream_body(request: Request, *, limit: int) -> AsyncIterator[bytes]:
    """The pieces of a body, of whatever content type.

    Raises: Malformed `encoded_body`, `too_large`, `body_cut_off`.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Malformed("encoded_body", "a body is taken as it is, without a content coding")
    stated, size = request.headers.get("content-length", ""), 0
    if stated.isdecimal() and int(stated[:20]) > limit:
        raise Malformed("too_large", f"{stated[:20]} bytes, at most {limit} are taken", limit=limit)
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise Malformed("too_large", f"more than the {limit} bytes that are taken", limit=limit)
            if chunk:
                yield chunk
    except ClientDisconnect:
        raise Malformed("body_cut_off", f"the connection ended after {size} bytes") from None
