"""A log of several tiles, one byte of one file changed at a time: the audit never says proven, and never falls over.

`test_audit.py` changes each byte of a log of one tile; here a full tile and bundle lie before the last ones, and a
tile of hashes of tiles is published. Half of the samples are spread over the files, so that the small ones have their
share, the other half over all bytes. 300 entries, because 2,000 audits of them fit into about a minute.

Covers THREATS L08 for the published files; DESIGN 7: the first bad entry is named.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.core.tiles import TILE_WIDTH, decode_bundle
from tests.auditor_only.test_audit import run_audit
from tests.logwriter import LogWriter
from tests.world import World, reference_to

ENTRIES = 300
SEEDS = range(8)
SAMPLES_PER_SEED = 250
FILES = {
    "checkpoint",
    *("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"),
    *("tile/entries/000", "tile/entries/001.p/44"),
}


@pytest.fixture(scope="session")
def log() -> LogWriter:
    """Claims of one day each, every fourth of them attested."""
    made = LogWriter(World(quorum_high_from_t=10**9))
    made.add_all(made.world.founding())
    first = date(2025, 1, 1)
    for day in range(ENTRIES):
        start, end = first + timedelta(days=day), first + timedelta(days=day + 1)
        claim = made.add(made.world.claim("carrier", start=start.isoformat(), end=end.isoformat()))
        if day % 4 == 0:
            made.add(made.world.attest(reference_to(claim), "499000.000"))
        if len(made.entries) >= ENTRIES:
            break
    return made


class Place(NamedTuple):
    """A byte of a published log and the value that it shall have."""

    name: str
    at: int
    value: int


def places(files: dict[str, bytes], *, seed: int) -> Iterator[Place]:
    """Where one seed changes a byte: a file in turn, then a byte of all bytes, and so on."""
    rng = random.Random(seed)
    names = sorted(files)
    for number in range(SAMPLES_PER_SEED):
        name = names[number // 2 % len(names)] if number % 2 == 0 else _by_size(files, rng)
        at = rng.randrange(len(files[name]))
        other = (files[name][at] + rng.randrange(1, 256)) % 256
        yield Place(name, at, other)


def _by_size(files: dict[str, bytes], rng: random.Random) -> str:
    return rng.choices(list(files), [len(raw) for raw in files.values()])[0]


def entry_at(bundle: bytes, at: int, *, width: int) -> tuple[int, bytes, int]:
    """Which entry of a bundle a byte belongs to, the entry, and where in it; before it for the two length bytes."""
    start = 0
    for number, entry in enumerate(decode_bundle(bundle, width=width)):
        if at < start + 2 + len(entry):
            return number, entry, at - start - 2
        start += 2 + len(entry)
    raise AssertionError(f"byte {at} lies beyond the bundle")


def expected(files: dict[str, bytes], place: Place) -> set[int | None]:
    """The entries that the report may name for this byte."""
    match = re.match(r"tile/(entries|[01])/([0-9]{3})", place.name)
    if match is None:
        return {None}  # the checkpoint
    kind, number = match.groups()
    if kind != "entries":
        return {int(number) * TILE_WIDTH ** (int(kind) + 1)}
    first = int(number) * TILE_WIDTH
    width = min(TILE_WIDTH, ENTRIES - first)
    one, entry, at = entry_at(files[place.name], place.at, width=width)
    if at < 0:
        return {first, first + one}  # no entry can be cut out of the bundle, or the wrong bytes are
    if entry.index(b'"recorded_at"') < at < entry.index(b'"statement"'):
        # No signature covers the time of recording: the next entry's hash of this one shows it, or else the tile.
        return {first + one, first if one == width - 1 else first + one + 1}
    return {first + one}


@pytest.mark.parametrize("seed", SEEDS)
def test_one_byte_changed_anywhere_is_never_proven(log: LogWriter, tmp_path: Path, seed: int) -> None:
    trust = log.trust()
    folder = log.publish(tmp_path / "export")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert files.keys() == FILES
    assert run_audit(folder, trust).verdict == "proven"
    for place in places(files, seed=seed):
        raw = files[place.name]
        (folder / place.name).write_bytes(raw[: place.at] + bytes([place.value]) + raw[place.at + 1 :])
        report = run_audit(folder, trust)
        (folder / place.name).write_bytes(raw)
        assert report.exit_code in (1, 2), place
        assert report.findings[0].index in expected(files, place), (place, report.findings)
    assert run_audit(folder, trust).verdict == "proven"


def test_the_samples_reach_every_file_and_change_what_they_touch(log: LogWriter, tmp_path: Path) -> None:
    """Otherwise the test above would show less than it says."""
    folder = log.publish(tmp_path / "export")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    sampled = [place for seed in SEEDS for place in places(files, seed=seed)]
    assert len(sampled) == 2_000
    assert all(files[place.name][place.at] != place.value for place in sampled)
    for name in FILES:
        assert sum(place.name == name for place in sampled) >= 120, name
