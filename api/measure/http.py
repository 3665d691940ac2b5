"""What a serving ledger bears: statements and reads over HTTP, with one serving process and with two.

Both servers stand beside each other on one ledger, idle unless they are asked,
and every round asks each of them: what the machine does meanwhile falls on all
alike, and the ratios hold where the rates drift.

Source: DESIGN 10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from statistics import median_low
from urllib.parse import quote

from msgspec import Struct

from api.bench import BenchWorld, build, sign_claims
from api.measure import load
from api.measure.load import Load, get, post
from api.measure.served import PARSE_ONLY, Serving, serving
from api.routers.statements import CONTENT_TYPE
from api.wiring import DATABASE_FILE
from ledger.core.jws import open_jws
from ledger.core.tiles import TILE_WIDTH, Tile
from ledger.domain.statements import read_statement
from ledger.errors import LedgerError
from ledger.service import submit as acts

PPM = 1_000_000
DURABLE_TARGET_PPM = 300_000
SECOND_TARGET_PPM = PPM
_WARM = 300

Progress = Callable[[str], None]


class Row(Struct, frozen=True):
    """One rate, how long answers took, and what a request cost the server's processes of the processor.

    Where the rate is compared with another of the run: their ratio in parts per million, and its target.
    """

    what: str
    per_second: int
    p50_us: int
    p99_us: int
    cpu_us: int
    ratio_ppm: int | None = None
    of: str | None = None
    target_ppm: int | None = None


class _Rounds:
    """The loads of each round by name; ratios are taken within a round, and the middle one of all is shown."""

    def __init__(self) -> None:
        self.found: dict[str, list[Load]] = {}
        self._cpu_us: dict[str, list[int]] = {}

    def add(self, what: str, server: Serving, requests: Sequence[bytes]) -> None:
        before_us = server.cpu_us()
        one = load.run_load(server.port, requests)
        self._cpu_us.setdefault(what, []).append((server.cpu_us() - before_us) // len(requests))
        assert set(one.statuses) <= {200, 201}, f"{what}: {one.statuses}"
        self.found.setdefault(what, []).append(one)

    def row(self, what: str, of: str | None = None, target_ppm: int | None = None) -> Row:
        mine = self.found[what]
        ratios = [
            a.per_second * PPM // max(1, b.per_second) for a, b in zip(mine, self.found.get(of or "", []), strict=False)
        ]
        return Row(
            what,
            median_low([one.per_second for one in mine]),
            median_low([one.p50_us for one in mine]),
            median_low([one.p99_us for one in mine]),
            median_low(self._cpu_us[what]),
            median_low(ratios) if ratios else None,
            of,
            target_ppm,
        )


def measure(
    folder: Path, *, database: str | None, claims: int, reads: int, rounds: int, filled: int, say: Progress
) -> list[Row]:
    """Found a ledger in a folder, with its rows there or at a PostgreSQL URL, fill it, and load its servers."""
    say("founding")
    world = build(folder, database=database)
    world.cast.keep(folder / "keys")
    if database is not None:
        (folder / DATABASE_FILE).write_text(database, encoding="utf-8")
    if filled:
        _fill(world, filled, say)
    world.ledger.close()
    say("signing statements")
    needed = 2 * (_WARM + claims * rounds)
    made = iter(list(sign_claims(world, range(filled, filled + needed))))
    found = _Rounds()
    with serving(folder, workers=1) as one, serving(folder, workers=2) as two:
        known: list[bytes] = []
        for server in (one, two):
            known += islice(made, _WARM)
            load.run_load(server.port, _recording(known[-_WARM:]))
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            fresh, others = list(islice(made, claims)), list(islice(made, claims))
            found.add("parse only, no signature, nothing kept", one, _to(PARSE_ONLY, fresh))
            found.add("durable claim with receipt", one, _recording(fresh))
            found.add("durable claim, two processes", two, _recording(others))
            known = [*known, *fresh, *others][-claims:]
            for what, requests in _reading(known, size=filled + 2 * claims * number + _WARM, count=reads):
                found.add(what, one, requests)
                found.add(f"{what}, two processes", two, requests)
    return list(_rows(found))


def _rows(found: _Rounds) -> Iterator[Row]:
    parse, durable, durable_two = list(found.found)[:3]
    yield found.row(parse)
    yield found.row(durable, parse, DURABLE_TARGET_PPM)
    yield found.row(durable_two, durable, SECOND_TARGET_PPM)
    for what in list(found.found)[3::2]:
        yield found.row(what)
        yield found.row(f"{what}, two processes", what)


def _fill(world: BenchWorld, claims: int, say: Progress) -> None:
    def tell(done: int) -> None:
        if done % 50_000 == 0:
            say(f"filling: {done} of {claims}")

    for answer in acts.submit_all(world.ledger, sign_claims(world, range(claims)), progress=tell):
        if isinstance(answer, LedgerError):
            raise answer


def _to(path: str, statements: Sequence[bytes]) -> list[bytes]:
    return [post(path, CONTENT_TYPE, one) for one in statements]


def _recording(statements: Sequence[bytes]) -> list[bytes]:
    return _to("/v1/statements", statements)


def _reading(known: Sequence[bytes], *, size: int, count: int) -> Iterator[tuple[str, list[bytes]]]:
    """Requests of each kind, spread over what the log holds."""
    ids = [read_statement(open_jws(raw)).id for raw in known]
    yield "claim by id", [get(f"/v1/claims/{quote(ids[at % len(ids)])}") for at in range(count)]
    full = max(1, size // TILE_WIDTH)
    yield "tile", [get(f"/log/{Tile(0, at * 7 % full, TILE_WIDTH).path}") for at in range(count)]
    yield "proof", [get(f"/v1/entries/{at * 7919 % size}/proof") for at in range(count)]
