"""Many statements over HTTP: batches of bounded size, each proven before its results are given.

A batch is one call of `POST /v1/statements:batch`; a server that has none is
sent the statements one by one. Their order is kept, because a statement may
rest on one before it. A batch that was cut off is sent again as a whole: what
it had recorded stays one entry each.

Proving a batch costs no call a statement: the entry bundles that it landed in
are fetched, hashed and led to one signed checkpoint by their tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct, field

from api.proving import Prover
from api.transport import Later, Problem, Transport, decode, problem_error
from ledger.core.checkpoint import VerifiedCheckpoint
from ledger.core.entry import decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import open_jws
from ledger.core.tiles import TILE_WIDTH
from ledger.errors import LedgerError, Malformed, Refused, Unavailable, Unproven

BATCH_STATEMENTS_MAX = 1_000
BATCH_BYTES_MAX = 8 * 1024 * 1024
BATCH_ANSWER_BYTES_MAX = 16 * 1024 * 1024

BATCH_PATH = "/v1/statements:batch"
# What a server without batches says of the path.
_NO_BATCHES = ("no_route", "wrong_method")
# Refusals of a line that say "later": it is sent again, alone.
_LATER = ("busy", "head_moved", "not_ready", "writer_stopped")
_REFUSED_STATUS, _LATER_STATUS = 422, 503


class Imported(Struct, frozen=True):
    """One of many statements, proven to stand in the log."""

    index: int
    new: bool


class _Line(Struct):
    """What a server says of one line: where it was recorded, or why not."""

    line: int
    index: int | None = None
    entry_hash: str = ""
    new: bool = False
    code: str = ""
    detail: str = ""
    remedy: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class _End(Struct):
    """The last line of an answer: the checkpoint of all, or why no more was recorded."""

    checkpoint: str = ""
    code: str = ""
    detail: str = ""
    remedy: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


Result = Imported | LedgerError
Submit = Callable[[bytes], Any]


def import_all(
    transport: Transport,
    prover: Prover,
    floor_of: Callable[[], VerifiedCheckpoint],
    submit: Submit,
    statements: Iterable[bytes],
) -> Iterator[Result]:
    """Record statements; the results come in their order, those of a batch when all of it is proven.

    Raises: Unproven, Unavailable as soon as something does not hold; what was given before is recorded.
    """
    has_batches = True
    for batch in _batches(statements):
        # What is no statement is told here, by the reader that the server has, too.
        early = [_unreadable(statement) for statement in batch]
        sent = [statement for statement, error in zip(batch, early, strict=True) if error is None]
        found: list[Result] = []
        if has_batches and sent:
            try:
                found = _record(transport, prover, floor_of(), submit, sent)
            except Malformed as error:
                if error.code not in _NO_BATCHES:
                    raise
                has_batches = False
        if not has_batches:
            found = [_single(submit, one) for one in sent]
        results = iter(found)
        yield from (next(results) if error is None else error for error in early)


def _batches(statements: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for statement in statements:
        if batch and (len(batch) == BATCH_STATEMENTS_MAX or size + len(statement) > BATCH_BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(statement)
        size += len(statement)
    if batch:
        yield batch


def _unreadable(statement: bytes) -> LedgerError | None:
    try:
        open_jws(statement)
    except Refused as error:
        return error
    return None


def _single(submit: Submit, statement: bytes) -> Result:
    """One statement on its own; what its receipt lacks is no refusal and ends the import."""
    try:
        recorded = submit(statement)
    except LedgerError as error:
        if isinstance(error, Refused) or error.code == "bad_signature":
            return error
        raise
    return Imported(recorded.index, recorded.new)


def _record(
    transport: Transport, prover: Prover, floor: VerifiedCheckpoint, submit: Submit, sent: list[bytes]
) -> list[Result]:
    body = b"".join(msgspec.json.encode(statement.decode("ascii")) + b"\n" for statement in sent)
    headers = {"Content-Type": "application/x-ndjson"}

    def once() -> tuple[list[_Line], str]:
        answer = transport.call("POST", BATCH_PATH, content=body, headers=headers, limit=BATCH_ANSWER_BYTES_MAX)
        *lines, last = answer.body.splitlines() or [b""]
        end: _End = decode(last, _End, lines=True)
        if not end.checkpoint:
            # It was cut short; sent again as a whole, what is recorded is not recorded twice.
            code = end.code or "bad_answer"
            raise Later(problem_error(_LATER_STATUS, Problem(code, end.detail, end.remedy, end.facts)))
        return [decode(line, _Line) for line in lines], end.checkpoint

    said, checkpoint = transport.again(once)
    if [one.line for one in said] != list(range(1, len(sent) + 1)):
        raise Unavailable("bad_answer", f"{len(sent)} lines were sent, {len(said)} are answered or not in their order")
    head = prover.accept(checkpoint.encode(), floor=floor)
    _require_recorded(prover, head, floor, list(zip(said, sent, strict=True)))
    return [
        Imported(one.index, one.new) if one.index is not None else _refused(one, statement, submit)
        for one, statement in zip(said, sent, strict=True)
    ]


def _refused(said: _Line, statement: bytes, submit: Submit) -> Result:
    if said.code in _LATER:
        return _single(submit, statement)
    return problem_error(_REFUSED_STATUS, Problem(said.code or "bad_answer", said.detail, said.remedy, said.facts))


def _require_recorded(
    prover: Prover, head: VerifiedCheckpoint, floor: VerifiedCheckpoint, said: list[tuple[_Line, bytes]]
) -> None:
    """That each recorded line is the entry that it is said to be, bundle by bundle.

    Raises: Unproven `receipt_differs`, `other_statement`; the codes of `Prover.entries`.
    """
    bundles: dict[int, list[tuple[int, _Line, bytes]]] = {}
    for line, statement in said:
        index = line.index
        if index is None:
            continue
        if not 0 <= index < head.size or (line.new and index < floor.size):
            raise Unproven("receipt_differs", f"line {line.line} says more than the checkpoint does", index=index)
        bundles.setdefault(index // TILE_WIDTH, []).append((index, line, statement))
    for number, found in sorted(bundles.items()):
        entries = prover.entries(number, head)
        for index, line, statement in found:
            raw = entries[index % TILE_WIDTH]
            if leaf_hash(raw).hex() != line.entry_hash:
                raise Unproven("receipt_differs", f"entry {index} has another hash than is said", index=index)
            entry = decode_entry(raw)
            if entry.index != index or entry.statement != statement:
                raise Unproven("other_statement", f"entry {index} holds another statement", index=index)
