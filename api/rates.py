"""How much one address and one party may ask for: nobody can wear the service out, and nobody is kept from auditing.

Each process counts for itself, so that N processes allow up to N times as much. What an audit reads (the log,
entries with their proofs, certificates, health) is never counted. Who asks is mapped to one of a fixed number of
slots by a hash that nobody outside can foretell, so that memory stays bounded whatever addresses come.

Counting is by a sliding window of two counters, not by a list of moments: the library never forgets an address
that it holds such a list of.

Source: DESIGN 7; RFC 6585; THREATS H08, H17; ASVS V2.4.1.
"""

from __future__ import annotations

import ipaddress
import math
import os
import time
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Literal, get_args

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import answer
from ledger.errors import Refused, Unreadable

Area = Literal["writes", "token", "evidence", "reads"]

DEFAULTS: dict[Area, str] = {
    "writes": "100/second",
    "token": "5/second",
    "evidence": "20/second",
    "reads": "200/second",
}
OFF = "off"
AMOUNT_MAX = 1_000_000
SLOTS = 65_536

_AUDIT = ("/log/", "/v1/entries/", "/v1/certificates", "/.well-known/")
_HEALTH = frozenset({"/healthz", "/readyz", "/metrics"})
_V6_BITS_OF_A_NETWORK = 64


def area_of(method: str, path: str) -> Area | None:
    """What kind of request this is; None for what is never limited."""
    if path == "/v1/token":
        return "token"
    if path.startswith("/v1/evidence/"):
        return "evidence"
    if method not in ("GET", "HEAD"):
        return "writes"
    return None if path.startswith(_AUDIT) or path in _HEALTH else "reads"


class Rates:
    """The limits of one process and what was used of them. `texts` are AREA=N/PERIOD, AREA=off, or off."""

    def __init__(self, texts: Iterable[str] = (), *, trusted_proxies: Iterable[str] = ()) -> None:
        self._limits = _read_limits(texts)
        self._proxies = [_read_network(one) for one in trusted_proxies]
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._secret = os.urandom(16)

    def charge(self, area: Area, who: str) -> None:
        """Count one request of somebody.

        Raises: Refused `rate_limited`.
        """
        limit = self._limits.get(area)
        if limit is None:
            return
        slot = blake2b(who.encode(errors="replace"), key=self._secret, digest_size=8).digest()
        names = (area, str(int.from_bytes(slot) % SLOTS))
        if not self._limiter.hit(limit, *names):
            reset = self._limiter.get_window_stats(limit, *names).reset_time
            seconds = max(1, min(limit.get_expiry(), math.ceil(reset - time.time())))
            raise Refused("rate_limited", f"more {area} than {limit}", area=area, retry_after_s=seconds)

    def address_of(self, scope: Scope) -> str:
        """Who is at the other end: the peer of the socket, or whom a trusted proxy names last.

        Of an IPv6 address the network alone: who has one address of it has all.
        """
        peer = str((scope.get("client") or ("local",))[0])
        address = _read_address(peer)
        if address is not None and any(address in network for network in self._proxies):
            named = Headers(scope=scope).getlist("x-forwarded-for")
            address = (_read_address(named[-1].rpartition(",")[2].strip()) if named else None) or address
        if isinstance(address, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((address, _V6_BITS_OF_A_NETWORK), strict=False))
        return peer if address is None else str(address)


class Limited:
    """ASGI middleware: what an address asks too much for is refused before anything is read of it."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app, self._rates = app, rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "http":
            area = area_of(scope["method"], scope["path"])
            try:
                if area is not None:
                    self._rates.charge(area, f"address {self._rates.address_of(scope)}")
            except Refused as error:
                await answer(scope, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _read_limits(texts: Iterable[str]) -> Mapping[Area, RateLimitItem | None]:
    """Raises: Unreadable `bad_limit`."""
    wanted: dict[Area, str] = dict(DEFAULTS)
    for text in texts:
        name, _, limit = text.partition("=")
        if text == OFF:
            wanted = dict.fromkeys(wanted, OFF)
        elif name in get_args(Area):
            wanted[name] = limit  # type: ignore[index]
        else:
            raise _bad_limit(text)
    return {area: _read_limit(text) for area, text in wanted.items()}


def _read_limit(text: str) -> RateLimitItem | None:
    if text == OFF:
        return None
    try:
        limit = parse(text)
    except ValueError:
        raise _bad_limit(text) from None
    if not 1 <= limit.amount <= AMOUNT_MAX:
        raise _bad_limit(text)
    return limit


def _read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address  # a socket for both kinds shows IPv4 as a part of IPv6


def _read_network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Unreadable("bad_limit", f"{text[:60]!a} is no address or network of a proxy") from None


def _bad_limit(text: str) -> Unreadable:
    return Unreadable("bad_limit", f"{text[:60]!a} is no limit", limit=text[:60])
