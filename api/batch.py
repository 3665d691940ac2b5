"""Many statements in one request: lines are recorded in groups while more come in, and each is answered in order.

Four things go on at once, none of which holds more than a named bound: pieces
of the body become groups of lines; the signatures of some groups are checked
ahead; one group after the other is recorded; results leave as fast as the
client takes them. What it does not take yet waits in a temporary file, so that
a client may send everything before it reads anything.

Covers THREATS H01, H09, H16.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, TypeVar

import msgspec
from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from api.ndjson import Line, Splitter
from api.spool import Spool
from ledger.errors import LedgerError, Unavailable
from ledger.sequencer.writer import Answer
from ledger.service import publish
from ledger.service import submit as acts
from ledger.service.ledger import Ledger

RESULT_TYPE = "application/x-ndjson"
REQUESTS_MAX = 4
GROUP_LINES_MAX = acts.IMPORT_BATCH
GROUP_BYTES_MAX = 4 * 1024 * 1024
GROUPS_AHEAD_MAX = acts.BATCHES_AHEAD
# Results that the client has not taken yet: those of some seven million lines.
RESULT_BYTES_MAX = 1024**3
SENT_BYTES_MAX = 64 * 1024
# A group is recorded as it is when nothing more comes for so long: the client may wait for its results.
PAUSE_S = 0.02
IDLE_S_MAX = 60

T = TypeVar("T")
_Record = asyncio.Future[Callable[[], list[Answer]]]


class Batches:
    """The threads that a process keeps for such requests, apart from those that read."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._open = 0
        # For each request one that checks and one that records.
        self.threads = ThreadPoolExecutor(2 * REQUESTS_MAX, thread_name_prefix="gigaton-batch")

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold one of the places that there are.

        Raises: Unavailable `busy`.
        """
        if self._open >= REQUESTS_MAX:
            raise Unavailable("busy", f"{REQUESTS_MAX} requests of many statements are under way")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    def close(self) -> None:
        """Let the threads go, when what they do is done."""
        self.threads.shutdown()


class _Group:
    """Lines that are recorded together."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.size_bytes = 0

    def add(self, line: Line) -> bool:
        """Take a line more; gives whether the group is full with it."""
        self.lines.append(line)
        self.size_bytes += len(line.held) if isinstance(line.held, bytes) else 0
        return len(self.lines) >= GROUP_LINES_MAX or self.size_bytes >= GROUP_BYTES_MAX


class BatchAnswer(Response):
    """The answer to one such request; it reads the body itself, while it is sent."""

    media_type = RESULT_TYPE

    def __init__(self, batches: Batches, request: Request) -> None:
        self.status_code, self.background = 200, None
        self.init_headers()
        self._batches, self._request = batches, request
        # Groups whose check has begun, then how the body ended: None when it was whole.
        self._begun: asyncio.Queue[tuple[list[Line], _Record] | Exception | None] = asyncio.Queue(GROUPS_AHEAD_MAX)
        self._recorded = self._refused = 0
        self._checkpoint = b""
        self._moved_at = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, record, answer.

        Raises: Unavailable `busy`.
        """
        with self._batches.place(), closing(Spool(bytes_max=RESULT_BYTES_MAX)) as self._results:
            self._moved()
            tasks = [asyncio.create_task(work) for work in (self._take_in(), self._record_groups())]
            try:
                await self._send_results(send)
                await tasks[1]
                await self._send(send, {"type": "http.response.body", "body": b""})
            except ClientDisconnect:
                return  # what was recorded stays recorded, and nobody is left to be told
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _take_in(self) -> None:
        """The body as groups, in order."""
        try:
            await self._group_lines()
        except Exception as error:  # noqa: BLE001 - told where the groups are taken
            await self._begun.put(error)
        else:
            await self._begun.put(None)

    async def _group_lines(self) -> None:
        splitter, group = Splitter(), _Group()
        async for piece in self._pieces():
            for line in splitter.feed(piece):
                if group.add(line):
                    await self._begin(group.lines)
                    group = _Group()
            if not piece and group.lines:
                await self._begin(group.lines)
                group = _Group()
        for line in splitter.end():
            group.add(line)
        if group.lines:
            await self._begin(group.lines)

    async def _begin(self, lines: list[Line]) -> None:
        await self._begun.put((lines, self._run(acts.begin, self._batches.ledger, [line.held for line in lines])))

    def _run(self, act: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._batches.threads, partial(act, *arguments))

    async def _pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes, and an empty piece where it pauses.

        Raises: Unavailable `idle_body`; ClientDisconnect.
        """
        stream = aiter(self._request.stream())
        while True:
            coming = asyncio.ensure_future(anext(stream, None))
            try:
                await asyncio.wait((coming,), timeout=PAUSE_S)
                if not coming.done():
                    yield b""
                while not coming.done():
                    await asyncio.wait((coming,), timeout=IDLE_S_MAX)
                    if not coming.done() and self._is_idle():
                        raise Unavailable("idle_body", f"nothing came for {IDLE_S_MAX} s")
                piece = coming.result()
            finally:
                coming.cancel()
            if piece is None:
                return
            self._moved()
            if piece:
                yield piece

    async def _record_groups(self) -> None:
        """Record group after group; their results, and the last line, go into the spool."""
        following = 1
        try:
            while (begun := await self._begun.get()) is not None:
                if isinstance(begun, Exception):
                    raise begun
                lines, checked = begun
                answers = await self._run(await checked)
                await self._results.put(b"".join(map(self._result, lines, answers)))
                following = lines[-1].number + 1
            await self._results.put(_line({**self._sums(), "checkpoint": (await self._last_checkpoint()).decode()}))
        except LedgerError as error:
            await self._results.put(_line({**self._sums(), **_told(error), "begin_again_at": following}))
        finally:
            await self._results.end()

    def _result(self, line: Line, answer: Answer) -> bytes:
        if isinstance(answer, LedgerError):
            self._refused += 1
            return _line({"line": line.number, **_told(answer)})
        self._recorded += 1
        self._checkpoint = answer.checkpoint
        body = {"entry_hash": answer.leaf.hex(), "index": answer.index, "new": answer.new, "size": answer.size}
        return _line({"line": line.number, **body})

    def _sums(self) -> dict[str, int]:
        return {"recorded": self._recorded, "refused": self._refused}

    async def _last_checkpoint(self) -> bytes:
        return self._checkpoint or await self._run(publish.checkpoint, self._batches.ledger)

    async def _send_results(self, send: Send) -> None:
        """Send results as they come; the head goes with the first, for the client may wait for `100 Continue`."""
        started = False
        while raw := await self._results.take(SENT_BYTES_MAX):
            if not started:
                started = True
                await self._send(
                    send, {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
                )
            await self._send(send, {"type": "http.response.body", "body": raw, "more_body": True})

    async def _send(self, send: Send, message: Message) -> None:
        """Send as soon as the client takes what was sent before.

        Raises: ClientDisconnect when it neither takes nor sends anything any more.
        """
        while True:
            try:
                async with asyncio.timeout(IDLE_S_MAX):
                    await send(message)
            except TimeoutError:
                if self._is_idle():
                    raise ClientDisconnect from None
            else:
                self._moved()
                return

    def _moved(self) -> None:
        self._moved_at = asyncio.get_running_loop().time()

    def _is_idle(self) -> bool:
        return asyncio.get_running_loop().time() - self._moved_at >= IDLE_S_MAX


def _told(error: LedgerError) -> dict[str, Any]:
    return {"code": error.code, "detail": error.message, "remedy": error.remedy, "facts": error.facts}


def _line(body: dict[str, Any]) -> bytes:
    return msgspec.json.encode(body) + b"\n"
