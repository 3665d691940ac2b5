"""HEAD is GET without the body, at every address: the framework serves GET alone."""

from __future__ import annotations

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ASKED = "gigaton.head"


def only_head(request: Request) -> bool:
    """Whether the body will be thrown away, so that nobody need make it."""
    return bool(request.scope.get(_ASKED))


class Head:
    """ASGI middleware that answers HEAD as GET and sends what stands before the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        asked = {**scope, "method": "GET", _ASKED: True}
        try:
            await self._app(asked, receive, without_body)
        finally:
            scope["route"] = asked.get("route")  # for the line that is logged of it
