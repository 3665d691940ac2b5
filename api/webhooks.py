"""Delivering: signed words about new entries, sent to whoever subscribed, by a thread beside the server.

Each subscriber has its own turn, so none waits for another; those that failed last share fewer places among
themselves. Nothing that a receiver answers is read but its status. The service calls no address that the operator
did not allow, follows nowhere, asks no proxy, and connects to the very IP address that it judged.

Source: DESIGN 7; THREATS H14, T21; RFC 7515.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TypeVar

import httpx
from msgspec import Struct

from api import jwts
from api.logs import event
from api.metrics import Metrics
from api.service_keys import ServiceKey
from ledger import __version__
from ledger.errors import LedgerError, NotAllowed
from ledger.service import deliveries as acts
from ledger.service.addresses import Allowed, require_allowed, require_reachable
from ledger.service.deliveries import Item, Outcome, Parcel
from ledger.service.ledger import Ledger

CONTENT_TYPE = "application/jose"
TYP = "gigaton-webhook+jwt"
POLL_S = 1
ATTEMPT_S_MAX = 5
STOP_S_MAX = 2 * ATTEMPT_S_MAX
WELL_MAX, FAILING_MAX = 48, 16
_PPM = 1_000_000

T = TypeVar("T")

_LOG = logging.getLogger("gigaton.webhooks")


class Told(Struct, frozen=True):
    """What a delivery says of an entry; the entry itself is fetched, and proven, by whoever wants it."""

    aud: str
    entry_hash: str
    entry_url: str
    iat: int
    index: int
    iss: str
    issuer: str
    jti: str
    kind: str
    proof_url: str
    size: int
    statement_id: str
    subscription: str


class Deliverer:
    """One thread of a serving process; of all processes one delivers at a time."""

    def __init__(self, ledger: Ledger, key: ServiceKey, *, allowed: Sequence[Allowed], metrics: Metrics) -> None:
        self._ledger, self._key, self._allowed, self._metrics = ledger, key, allowed, metrics
        self._only = acts.deliverer(ledger)
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._stopping = threading.Event()
        self._rows = ThreadPoolExecutor(2, thread_name_prefix="gigaton-webhook-rows")
        self._names = ThreadPoolExecutor(8, thread_name_prefix="gigaton-webhook-names")
        self._thread = threading.Thread(target=self._run, name="gigaton-webhooks", daemon=True)

    def start(self) -> None:
        """Begin to deliver, or to wait until no other process does."""
        self._thread.start()

    def close(self) -> None:
        """Finish what is under way, begin nothing more."""
        self._stopping.set()
        self._thread.join(STOP_S_MAX)
        self._rows.shutdown(wait=True)
        self._names.shutdown(wait=False)
        self._only.let_go()

    def _run(self) -> None:
        asyncio.run(self._deliver())

    async def _deliver(self) -> None:
        self._well, self._failing = asyncio.Semaphore(WELL_MAX), asyncio.Semaphore(FAILING_MAX)
        self._freed = asyncio.Event()
        context = await asyncio.get_running_loop().run_in_executor(self._rows, ssl.create_default_context)
        async with httpx.AsyncClient(
            verify=context,
            trust_env=False,
            follow_redirects=False,
            timeout=ATTEMPT_S_MAX,
            # A connection serves one delivery: pools go by IP address, and a certificate by name.
            limits=httpx.Limits(max_connections=WELL_MAX + FAILING_MAX, max_keepalive_connections=0),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": f"gigaton/{__version__}", "Content-Type": CONTENT_TYPE},
        ) as client:
            while not self._stopping.is_set():
                await self._look(client)
                self._freed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._freed.wait(), POLL_S)
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _look(self, client: httpx.AsyncClient) -> None:
        """Begin to send whatever is due to subscribers that nothing is being sent to."""
        try:
            if not await self._with_rows(self._only.take):
                return
            while not self._stopping.is_set() and await self._with_rows(lambda: acts.spread(self._ledger)):
                pass
            parcels = await self._with_rows(lambda: acts.due(self._ledger, busy=list(self._busy)))
            base = await self._with_rows(lambda: self._ledger.programme.subject.base_url) if parcels else ""
        except LedgerError as error:
            event("webhooks_wait", level=logging.WARNING, code=error.code, message=error.message)
            return
        except Exception as error:  # noqa: BLE001 - a bug of ours: it is told, and delivering goes on
            _LOG.error("unforeseen", exc_info=error, extra={"fields": {"code": "unforeseen"}})
            return
        for parcel in parcels:
            self._busy[parcel.subscription] = asyncio.create_task(self._send_all(client, parcel, base))

    async def _send_all(self, client: httpx.AsyncClient, parcel: Parcel, base: str) -> None:
        """Send in the order of the log, as long as the receiver can be reached, and note what came of it."""
        outcomes: list[Outcome] = []
        try:
            async with self._failing if parcel.items[0].attempts else self._well:
                for item in parcel.items:
                    outcomes.append(await self._try(client, parcel, item, base))
                    if outcomes[-1].is_unreachable or self._stopping.is_set():
                        break
        finally:
            try:
                await self._with_rows(lambda: acts.settle(self._ledger, parcel.subscription, outcomes))
            except LedgerError as error:
                event("webhooks_wait", level=logging.WARNING, code=error.code, message=error.message)
            del self._busy[parcel.subscription]
            self._freed.set()

    async def _try(self, client: httpx.AsyncClient, parcel: Parcel, item: Item, base: str) -> Outcome:
        begun_ns = time.perf_counter_ns()
        try:
            problem = await self._send(client, parcel, item, base)
        except Exception as error:  # noqa: BLE001 - a bug of ours: it is told, and counts as an attempt
            _LOG.error("unforeseen", exc_info=error, extra={"fields": {"code": "unforeseen"}})
            problem = "unforeseen"
        outcome = Outcome(item.statement.index, item.attempts, problem, secrets.randbelow(_PPM))
        word = "delivered" if problem is None else "dead" if outcome.is_last else "failed"
        self._metrics.delivery(word)
        event(
            "webhook",
            subscription=parcel.subscription,
            index=item.statement.index,
            outcome=word,
            problem=problem,
            took_us=(time.perf_counter_ns() - begun_ns) // 1000,
        )
        return outcome

    async def _send(self, client: httpx.AsyncClient, parcel: Parcel, item: Item, base: str) -> str | None:
        """What went wrong, if anything did."""
        try:
            async with asyncio.timeout(ATTEMPT_S_MAX):
                host, ip = await self._judge(parcel.url)
                url = httpx.URL(parcel.url)
                async with client.stream(
                    "POST",
                    url.copy_with(host=ip),
                    content=self._word(parcel, item, base),
                    headers={"Host": url.netloc.decode("ascii")},
                    extensions={"sni_hostname": host},
                ) as answer:
                    status = answer.status_code
        except TimeoutError:
            return "timeout"
        except NotAllowed as error:
            return error.code
        except (OSError, UnicodeError):
            return "name_not_found"
        except httpx.TimeoutException:
            return "timeout"
        except (httpx.HTTPError, httpx.InvalidURL):
            return "connection_failed"
        return None if 200 <= status < 300 else f"status_{status}"

    async def _judge(self, url: str) -> tuple[str, str]:
        """The host of an allowed address and the one IP address that is connected to."""
        address, by = require_allowed(url, self._allowed)
        host = address.host.strip("[]")
        found = await asyncio.get_running_loop().run_in_executor(
            self._names, lambda: socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM)
        )
        ips = [str(one[4][0]) for one in found]
        for ip in ips:
            require_reachable(ip, by)
        return host, ips[0]

    def _word(self, parcel: Parcel, item: Item, base: str) -> bytes:
        statement = item.statement
        told = Told(
            aud=parcel.url,
            entry_hash=statement.entry_hash,
            entry_url=f"{base}/v1/entries/{statement.index}",
            iat=int(time.time()),
            index=statement.index,
            iss=base,
            issuer=statement.issuer,
            jti=f"{parcel.subscription}:{statement.index}",
            kind=statement.kind,
            proof_url=f"{base}/v1/entries/{statement.index}/proof",
            size=parcel.size,
            statement_id=statement.id,
            subscription=parcel.subscription,
        )
        return jwts.make(told, self._key.private, typ=TYP, kid=self._key.kid).encode("ascii")

    async def _with_rows(self, act: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._rows, act)
