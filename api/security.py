"""What every answer carries, and the one line that is logged of each request.

No CORS: no answer names an origin that may read it. Bodies, queries and
headers of a request are never logged. The request's id is always ours.
"""

from __future__ import annotations

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from api.logs import REQUEST, event
from api.metrics import Metrics

_PATH_CHARACTERS_MAX = 200
_NO_ROUTE = "none"
# What is logged where the client left before it was answered; nobody receives it.
CLIENT_GONE = 499
ALWAYS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Told:
    """What is learnt of a request while it is served: the code of its problem, if it met one."""

    code = ""


def tell(scope: Scope, code: str) -> None:
    """Note the code of the problem that a request met."""
    told = scope.get("gigaton.told")
    if isinstance(told, Told):
        told.code = code


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, log_clients: bool = False) -> None:
        self._app, self._metrics, self._log_clients = app, metrics, log_clients

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, begun_ns, status, complete = str(uuid7()), time.perf_counter_ns(), 0, False
        told = scope["gigaton.told"] = Told()
        token = REQUEST.set(request)
        self._metrics.request_begun()

        async def answer(message: Message) -> None:
            nonlocal status, complete
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update({**ALWAYS, "X-Request-Id": request})
                headers.setdefault("Cache-Control", "no-store")
            else:
                complete = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, answer)
            status = status or CLIENT_GONE
        except Exception:
            # It was logged where it was turned into an answer; the server would only say it again.
            status = status or 500
            if not complete:
                raise
        finally:
            took_ns = time.perf_counter_ns() - begun_ns
            route = getattr(scope.get("route"), "path", _NO_ROUTE)
            self._metrics.request_ended(
                method=scope["method"], route=route, status=status, code=told.code, took_ns=took_ns
            )
            event(
                "request",
                level=logging.ERROR if status == 500 else logging.WARNING if status > 500 else logging.INFO,
                method=scope["method"],
                route=route,
                path=scope["path"][:_PATH_CHARACTERS_MAX],
                status=status,
                code=told.code or None,
                took_us=took_ns // 1000,
                client=_client(scope) if self._log_clients else None,
            )
            REQUEST.reset(token)


def _client(scope: Scope) -> str | None:
    client = scope.get("client")
    return client[0] if client else None
