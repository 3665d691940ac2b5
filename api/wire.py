"""One connection: what uvicorn's protocol leaves open to slow, greedy or unreadable clients is closed here.

A head must come within `HEAD_S` and may not be large; a body must keep a
pace, which a slow but steady upload has; an answer must be taken. Time that
we ourselves make a client wait is never held against it. Of connections there
are at most so many: the longest idle one makes room for the next, and where
none is idle, the next is told to come again.

Source: THREATS H01, H02, H18; RFC 9110 and 9112; uvicorn's httptools protocol.
"""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
from contextlib import suppress
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api.errors import problem
from api.logs import event
from api.metrics import Metrics
from api.security import ALWAYS
from ledger.errors import LedgerError, Malformed, Unavailable

HEAD_S = 10
HEAD_BYTES_MAX = 65_536
TARGET_BYTES_MAX = 8_192
HEADERS_MAX = 100
PIPELINED_MAX = 16
# How long a body may stand still, at once or in sum below the least pace.
BODY_PATIENCE_S = 20
BODY_BYTES_PER_S_MIN = 500
# Bytes around a body in chunks: sizes, extensions, trailers.
CHUNKING_BYTES_MAX = 16_384
CHUNKING_BYTES_PER_BYTE_MAX = 8
ANSWER_PATIENCE_S = 30
# After a refusal what still comes is thrown away for so long: closing at once would destroy the answer on its way.
FAREWELL_S = 3
TICK_S = 1
# Beyond the limit of connections, so many more are told so; after them connections are cut without a word.
TURNED_AWAY_MAX = 100


class Wire(HttpToolsProtocol):
    """A connection with limits. `limit_concurrency` of uvicorn's settings is the number of connections."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or turn it away."""
        self._most = self.limit_concurrency or 0
        self.limit_concurrency = None  # uvicorn's own answer to too many is a text of its own
        self._metrics: Metrics = self.app_state["metrics"]
        self._refusal: LedgerError | None = None  # why a parser's callback ended the request
        self._owed: LedgerError | None = None  # what is still to be said when earlier requests are answered
        self._leaving_since: float | None = None
        self._head_since: float | None = self.loop.time()
        self.idle_since: float | None = self.loop.time()
        self._head_bytes = self._body_bytes = self._chunking_bytes = 0
        self._in_message = False  # between the end of a head and the end of its body
        self._patience_s: float = BODY_PATIENCE_S
        self._answer_patience_s: float = ANSWER_PATIENCE_S
        self._seen_bytes = self._unsent_bytes = 0
        super().connection_made(transport)
        self._metrics.connection_made()
        self._turned_away = self._most > 0 and len(self.connections) > self._most and not self._make_room()
        self._timer = self.loop.call_later(TICK_S, self._tick)
        if self._turned_away and len(self.connections) > self._most + TURNED_AWAY_MAX:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let everything of the connection go."""
        self._timer.cancel()
        self._metrics.connection_lost()
        super().connection_lost(exc)

    def _make_room(self) -> bool:
        idle = [one for one in self.connections if isinstance(one, Wire) and one.idle_since is not None]
        others = [one for one in idle if one is not self and not one.transport.is_closing()]
        if not others:
            return False
        longest = min(others, key=lambda one: one.idle_since or 0)
        longest.drop("busy")
        return True

    # Reading

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and look at what it did not take away."""
        if self._is_leaving():
            return
        self.idle_since = None
        if not self._in_message:
            self._head_bytes += len(data)
            if self._head_since is None and self._unanswered() is None:
                self._head_since = self.loop.time()
        else:
            self._chunking_bytes += len(data)
        super().data_received(data)
        if self._is_leaving():
            return
        if not self._in_message and self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(Malformed("head_too_large", f"a request's head has at most {HEAD_BYTES_MAX} bytes"))
        elif self._in_message and self._chunking_bytes > self._allowed_chunking():
            self._refuse(Malformed("bad_request", "the body is wrapped in far more bytes than it has"))

    def _allowed_chunking(self) -> int:
        return CHUNKING_BYTES_MAX + CHUNKING_BYTES_PER_BYTE_MAX * self._body_bytes

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._header_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        super().on_url(url)
        if len(self.url) > TARGET_BYTES_MAX:
            self._stop(Malformed("target_too_long", f"an address has at most {TARGET_BYTES_MAX} bytes"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; those behind a body (trailers) are left out, for nothing was decided by them."""
        if self._in_message:
            return
        self._header_bytes += len(name) + len(value)
        if len(self.headers) >= HEADERS_MAX or self._header_bytes > HEAD_BYTES_MAX:
            self._stop(Malformed("head_too_large", f"a head has at most {HEADERS_MAX} headers"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole: the request begins."""
        self._head_since, self._head_bytes = None, 0
        self._body_bytes = self._chunking_bytes = self._seen_bytes = 0
        self._patience_s = BODY_PATIENCE_S
        if self._turned_away:
            self._stop(Unavailable("busy", "too many connections"))
        if len(self.pipeline) >= PIPELINED_MAX:
            self._stop(Malformed("bad_request", f"at most {PIPELINED_MAX} requests may wait on one connection"))
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            self._stop(Malformed("bad_request", "this server speaks HTTP/1.1 and HTTP/1.0"))
        if version == "1.1" and [name for name, _ in self.headers].count(b"host") != 1:
            self._stop(Malformed("bad_request", "a request names its host, once"))
        super().on_headers_complete()
        self._in_message = True

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is whole."""
        self._in_message = False
        super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        # What follows such a request may be meant for another protocol: it is answered, and the connection ended.
        self.cycle.keep_alive = False

    # Ending

    def _stop(self, error: LedgerError) -> None:
        """End a request from inside the parser, which hands the exception on to `send_400_response`."""
        self._refusal = error
        raise error

    def send_400_response(self, msg: str) -> None:
        """The parser could not go on."""
        self._refuse(self._refusal or Malformed("bad_request", "this is no HTTP request that can be read in one way"))

    def _refuse(self, error: LedgerError) -> None:
        """Answer with a problem, unless another answer is on its way, and end the connection."""
        self._tell(error.code)
        self._leaving_since = self.loop.time()
        current = self._unanswered()
        if current is not None and not self._in_message:
            self._owed = error  # earlier requests are answered first
            return
        if self.pipeline or (current is not None and current.response_started):
            self.transport.abort()
            return
        if current is not None:
            current.disconnected = True
            current.message_event.set()
        self._say(error)

    def _say(self, error: LedgerError) -> None:
        self._leaving_since = self.loop.time()
        if not self.transport.is_closing():
            self.transport.write(_raw(error))
            if self.transport.can_write_eof():
                self.transport.write_eof()

    def drop(self, why: str) -> None:
        """End a connection that nothing is under way on."""
        self._tell(why)
        self._leaving_since = self.loop.time()
        self.transport.close()

    def _is_leaving(self) -> bool:
        return self._leaving_since is not None

    def _unanswered(self) -> RequestResponseCycle | None:
        """The request that came last, while its answer is not whole."""
        current = cast("RequestResponseCycle | None", self.cycle)
        return None if current is None or current.response_complete else current

    def _tell(self, why: str) -> None:
        self._metrics.connection_dropped(why)
        event("connection_dropped", code=why)

    def on_response_complete(self) -> None:
        """An answer is out."""
        super().on_response_complete()
        if self._owed is not None and self._unanswered() is None:
            self._say(self._owed)
        elif not self._in_message and not self.pipeline:
            self.idle_since = self.loop.time()

    # Time

    def _tick(self) -> None:
        self._timer = self.loop.call_later(TICK_S, self._tick)
        now = self.loop.time()
        self._watch_answer()
        if self._leaving_since is not None:
            current = self._unanswered()
            waits = current is not None and not current.disconnected
            if now - self._leaving_since > FAREWELL_S and not waits:
                self.transport.close()
        elif self._head_since is not None:
            if now - self._head_since > HEAD_S:
                self._end_head()
        elif self._in_message:
            self._watch_body()

    def _end_head(self) -> None:
        if self._head_bytes:
            self._refuse(Malformed("too_slow", f"the head of a request must come within {HEAD_S} seconds"))
        else:
            self.drop("idle")

    def _watch_body(self) -> None:
        """Patience is spent by the second and earned by the byte, up to its first measure."""
        came, self._seen_bytes = self._body_bytes - self._seen_bytes, self._body_bytes
        if not self.flow.read_paused:
            self._patience_s -= TICK_S
        self._patience_s = min(BODY_PATIENCE_S, self._patience_s + came / BODY_BYTES_PER_S_MIN)
        if self.cycle.response_complete:
            self._patience_s = min(self._patience_s, FAREWELL_S)  # answered already: the rest is of no use
        if self._patience_s <= 0:
            self._refuse(Malformed("too_slow", f"a body must come with {BODY_BYTES_PER_S_MIN} bytes a second"))

    def _watch_answer(self) -> None:
        """An answer that nobody takes is not kept for ever: neither in our buffers nor in the kernel's."""
        unsent = self.transport.get_write_buffer_size()
        # Who still sends may take the answer to it afterwards: the pace of the body is watched instead.
        sends = self._in_message and self._unanswered() is not None
        if not unsent or sends:
            self._answer_patience_s, self._unsent_bytes = ANSWER_PATIENCE_S, 0
            return
        unsent += _in_kernel(self.transport)
        if unsent < self._unsent_bytes:
            self._answer_patience_s = ANSWER_PATIENCE_S
        else:
            self._answer_patience_s -= TICK_S
        self._unsent_bytes = unsent
        if self._answer_patience_s <= 0:
            self._tell("too_slow")
            _forget_unsent(self.transport)
            self.transport.abort()


def _in_kernel(transport: asyncio.Transport) -> int:
    """Bytes that the kernel has taken and the other side has not acknowledged."""
    taken = transport.get_extra_info("socket")
    try:
        found: int = struct.unpack("i", fcntl.ioctl(taken.fileno(), termios.TIOCOUTQ, bytes(4)))[0]
    except OSError:
        return 0
    return found


def _forget_unsent(transport: asyncio.Transport) -> None:
    """Let the kernel drop what it has taken, too, when the connection is closed."""
    with suppress(OSError), transport.get_extra_info("socket").dup() as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _raw(error: LedgerError) -> bytes:
    """The problem as bytes on the wire."""
    made: Any = problem(error)
    headers = {**ALWAYS, **dict(made.headers), "Connection": "close", "Cache-Control": "no-store"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return b"".join([STATUS_LINE[made.status_code], lines.encode("latin-1"), b"\r\n", bytes(made.body)])
