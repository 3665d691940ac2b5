"""What every answer carries, and the one line that is logged of each request.

No CORS: no answer names an origin that may read it. Bodies, queries and
headers of a request are never logged.
"""

from __future__ import annotations

import logging
import sys
import time

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

_LOG = logging.getLogger("gigaton.access")
_ALWAYS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def log_to_stderr() -> None:
    """One line an event, as it is."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, begun, status = str(uuid7()), time.perf_counter_ns(), 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update({**_ALWAYS, "X-Request-Id": request})
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            took_us = (time.perf_counter_ns() - begun) // 1000
            line = {"request": request, "method": scope["method"], "path": scope["path"][:200], "status": status}
            _LOG.info(msgspec.json.encode({**line, "took_us": took_us}).decode())
