"""HTTP as a client needs it: bounded answers, retries where they are safe, and problems as errors.

A call is made again after a lost connection or an answer that says "later"
(429, 502, 503, 504), never after a refusal. That is safe for statements
because their id makes them idempotent. Redirects are not followed, the
environment names no proxy, and nothing that the server says is printed or
believed here.
"""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
from msgspec import Struct, field

from ledger import __version__
from ledger.codes import REMEDIES
from ledger.core.characters import allowed_text
from ledger.errors import (
    BadSignature,
    Conflict,
    Fact,
    LedgerError,
    Malformed,
    NotAllowed,
    Refused,
    Unavailable,
    Unproven,
    Unreadable,
)

ATTEMPTS_MAX = 6
WAIT_FIRST_S, WAIT_S_MAX = 0.2, 5.0
RETRY_AFTER_S_MAX = 30
CONNECT_S_MAX, SILENCE_S_MAX, ANSWER_S_MAX = 10.0, 60.0, 600.0
CONNECTIONS_MAX = 64
PORT_MAX = 65_535
JSON_BYTES_MAX = 32 * 1024 * 1024
PROBLEM_BYTES_MAX = 64 * 1024
TEXT_CHARACTERS_MAX = 2_000
FACTS_MAX = 32

_LATER = frozenset({429, 502, 503, 504})
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_BY_STATUS: dict[int, type[LedgerError]] = {
    400: Malformed,
    401: NotAllowed,
    403: NotAllowed,
    404: Malformed,
    405: Malformed,
    409: Conflict,
    413: Malformed,
    415: Malformed,
    422: Refused,
}
# Of the codes under 422, those that say that something was checked and did not hold.
_BY_CODE: dict[str, type[LedgerError]] = {"bad_signature": BadSignature}

Wait = Callable[[float], None]
T = TypeVar("T")


class Problem(Struct):
    """An RFC 9457 problem as a ledger writes it."""

    code: str
    detail: str = ""
    remedy: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class Answer(Struct, frozen=True):
    """A successful answer, whole."""

    status: int
    headers: httpx.Headers
    body: bytes


class Later(Exception):
    """Try again: why, and when at the earliest."""

    def __init__(self, error: LedgerError, wait_s: float | None = None) -> None:
        self.error = error
        self.wait_s = wait_s


class Transport:
    """Calls to one server. Threads may share it."""

    def __init__(self, server: str, *, wait: Wait = time.sleep) -> None:
        """Raises: Unreadable `bad_server_url`."""
        self._wait = wait
        try:
            url = httpx.URL(server)
        except httpx.InvalidURL as error:
            raise Unreadable("bad_server_url", f"{server[:200]!r}: {error}") from None
        is_plain = not (url.query or url.fragment or url.userinfo) and (url.port or 0) <= PORT_MAX
        if url.scheme not in ("http", "https") or not url.host or not is_plain:
            raise Unreadable("bad_server_url", f"{server[:200]!r} is no http or https address of a server")
        self.server = str(url).rstrip("/")
        self._http = httpx.Client(
            base_url=url,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(SILENCE_S_MAX, connect=CONNECT_S_MAX),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX),
            headers={"User-Agent": f"gigaton/{__version__}", "Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        limit: int = JSON_BYTES_MAX,
        content: bytes | Callable[[], Iterator[bytes]] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Sequence[tuple[str, str]] | None = None,
    ) -> Answer:
        """Call until there is an answer. Content that is read as it is sent is given as what opens it anew.

        Raises: the refusal that the server gives; Unavailable `server_unreachable`, `bad_answer`, or what it says.
        """

        def once() -> Answer:
            body = content() if callable(content) else content
            with self._stream(method, path, content=body, headers=headers, params=params) as answer:
                return Answer(answer.status_code, answer.headers, b"".join(_chunks(answer, limit)))

        return self.again(once)

    def download(
        self,
        path: str,
        to: Path,
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        params: Sequence[tuple[str, str]] | None = None,
        sha256: str | None = None,
    ) -> None:
        """An answer's body into a file, which appears or is replaced when it is whole and has the hash that is named.

        Raises: as `call`; Unproven `evidence_damaged`; Unreadable `unreadable_file`.
        """
        partial = to.with_name(to.name + ".part")

        def once() -> None:
            digest = hashlib.sha256()
            with self._stream("GET", path, headers=headers, params=params) as answer, partial.open("wb") as file:
                for chunk in _chunks(answer, limit):
                    digest.update(chunk)
                    file.write(chunk)
            if sha256 not in (None, digest.hexdigest()):
                raise Unproven("evidence_damaged", f"what {self.server} gave has another hash", sha256=str(sha256))

        try:
            self.again(once)
            partial.replace(to)
        except OSError as error:
            raise Unreadable("unreadable_file", f"{to}: {error.strerror}", path=str(to)) from None
        finally:
            partial.unlink(missing_ok=True)

    def again(self, once: Callable[[], T]) -> T:
        """Try until it is done, refused or tried often enough: waits double, by chance up to their whole length."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return once()
            except Later as later:
                if attempt == ATTEMPTS_MAX:
                    raise later.error from None
                longest_s = min(WAIT_S_MAX, WAIT_FIRST_S * 2 ** (attempt - 1))
                chance_s = longest_s * (0.5 + random.random() / 2)  # noqa: S311 - spreads callers, guards nothing
                self._wait(chance_s if later.wait_s is None else later.wait_s + chance_s)
        raise AssertionError("the last attempt ends the loop")

    @contextmanager
    def _stream(self, method: str, path: str, **given: Any) -> Iterator[httpx.Response]:
        try:
            with self._http.stream(
                method, path, **{name: one for name, one in given.items() if one is not None}
            ) as got:
                if not got.is_success:
                    self._refuse(got)
                yield got
        except httpx.InvalidURL as error:
            raise Malformed("no_route", f"{path[:200]!r}: {error}") from None
        except httpx.HTTPError as error:
            what = f"{self.server}: {type(error).__name__} {error}".rstrip()
            raise Later(Unavailable("server_unreachable", printable(what))) from None

    def _refuse(self, answer: httpx.Response) -> None:
        status, kept = answer.status_code, b""
        if answer.headers.get("content-type", "").partition(";")[0] == "application/problem+json":
            kept = b"".join(_chunks(answer, PROBLEM_BYTES_MAX))
        error = error_of(status, kept, server=self.server)
        if status == 500:
            error.facts["request"] = printable(answer.headers.get("x-request-id", ""))
        if status in _LATER:
            raise Later(error, _retry_after_s(answer))
        raise error


def _chunks(answer: httpx.Response, limit: int) -> Iterator[bytes]:
    """The body, as long as it keeps to its limits."""
    if answer.headers.get("content-encoding", "identity") != "identity":
        # None was asked for, and a small coded body can become a huge one.
        raise Unavailable("bad_answer", "the answer has a content coding that was not asked for")
    size, begun = 0, time.monotonic()
    for chunk in answer.iter_raw():  # as they come: a body that drips must meet its end, too
        size += len(chunk)
        if size > limit:
            raise Unavailable("bad_answer", f"the answer has more than {limit} bytes", limit=limit)
        if time.monotonic() - begun > ANSWER_S_MAX:
            raise Unavailable("server_unreachable", f"the answer had no end after {ANSWER_S_MAX:.0f} s")
        yield chunk


def _retry_after_s(answer: httpx.Response) -> float | None:
    """What the server asks to wait, within bounds; a date, which RFC 9110 also allows, counts as nothing said."""
    text = answer.headers.get("retry-after", "")
    return float(min(int(text), RETRY_AFTER_S_MAX)) if re.fullmatch(r"[0-9]{1,9}", text) else None


def error_of(status: int, body: bytes, *, server: str) -> LedgerError:
    """The error that an answer stands for, in its branch; a code of a newer server keeps its name."""
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        problem = Problem("")
    if not _CODE.match(problem.code):
        code = "server_unreachable" if status in _LATER else "bad_answer"
        return Unavailable(code, f"{server} answered {status}", status=status)
    return problem_error(status, problem)


def problem_error(status: int, problem: Problem) -> LedgerError:
    """A problem as the error that it was where it was raised."""
    facts: dict[str, Fact] = {
        printable(name): printable(fact) if isinstance(fact, str) else fact
        for name, fact in list(problem.facts.items())[:FACTS_MAX]
        if isinstance(fact, str | int) and name not in ("code", "message", "self")
    }
    kind = _BY_CODE.get(problem.code) or _BY_STATUS.get(status, Unavailable)
    # What to do about a code that this release does not know, the server alone can say.
    detail = problem.detail if problem.code in REMEDIES else f"{problem.detail} {problem.remedy}"
    return kind(problem.code, printable(detail), **facts)


def printable(text: str) -> str:
    """Text of a stranger for a terminal: bounded, with every character escaped that could steer one."""
    text = text[:TEXT_CHARACTERS_MAX]
    return "".join(one if plain(one) else ascii(one)[1:-1] for one in text)


def decode(body: bytes, shape: Any, *, lines: bool = False) -> Any:
    """A JSON answer as a typed record; only where `lines` are expected may its texts hold line feeds.

    Texts that the rule book would never have let in are no answer: they might steer a terminal.
    Raises: Unavailable `bad_answer`.
    """
    try:
        value = msgspec.json.decode(body)
        _require_plain(value, "\n" if lines else "")
        return msgspec.convert(value, shape)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Unavailable("bad_answer", f"the answer cannot be read: {printable(str(error))}") from None


def plain(text: str) -> bool:
    """Whether a terminal would show it as it is."""
    return allowed_text().fullmatch(text) is not None


def _require_plain(value: Any, also: str) -> None:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str) and not plain(one.replace(also, "") if also else one):
            raise Unavailable("bad_answer", "the answer holds control or reordering characters")
