"""The published log and its receipts, judged by a program that shares no line with us: Go's own sumdb packages.

Sizes lie around every border of tiles. Covers TLOG-SPEC 10.2 and 10.4.
"""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from ledger.core.checkpoint import Checkpoint, sign_checkpoint
from ledger.core.hashing import leaf_hash
from ledger.core.note import Vkey
from ledger.core.prove import prove_inclusion
from ledger.core.receipt import Receipt
from ledger.core.tiles import TileReader, TreeBuilder
from tests.cast import key_of, sign_with
from tests.logwriter import publish_files, small_log
from tests.world import ORIGIN

SIZES = (0, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 70_000)
PROOFS = 5


def ask(judge: Path, *arguments: object) -> str:
    """What the judge says."""
    return subprocess.run([judge, *map(str, arguments)], capture_output=True, text=True, check=False).stdout


def vkey() -> Vkey:
    return Vkey.make(ORIGIN, bytes(key_of("log").verify_key))


def plain_log(folder: Path, size: int) -> list[object]:
    """A log of plain entries with a few proofs; gives the judge's arguments."""
    entries = [f"entry {index}".encode() for index in range(size)]
    leaves = [leaf_hash(entry) for entry in entries]
    builder = TreeBuilder()
    tiles = {(one.tile.level, one.tile.index): one.hashes for one in builder.extend(leaves)}
    checkpoint = sign_checkpoint(Checkpoint(ORIGIN, size, builder.root()), vkey=vkey(), sign=sign_with("log"))
    publish_files(folder / "log", entries=entries, leaves=leaves, checkpoint=checkpoint)
    reader = TileReader(lambda wanted: [tiles[(one.level, one.index)][: one.width * 32] for one in wanted], size)
    arguments: list[object] = [folder / "log", vkey()]
    for index in sorted({0, size - 1, *random.Random(size).sample(range(size), min(size, PROOFS))}) if size else []:
        path = prove_inclusion(index=index, size=size, reader=reader)
        (folder / f"{index}.tlog-proof").write_bytes(Receipt(index, tuple(path), checkpoint).encode())
        (folder / f"{index}.entry").write_bytes(entries[index])
        arguments += [folder / f"{index}.tlog-proof", folder / f"{index}.entry"]
    return arguments


@pytest.mark.parametrize("size", SIZES)
def test_go_accepts_the_log_and_its_receipts(judge: Path, tmp_path: Path, size: int) -> None:
    assert ask(judge, *plain_log(tmp_path, size)).startswith(f"ACCEPTED size {size},")


def test_go_accepts_a_log_of_real_statements(judge: Path, tmp_path: Path) -> None:
    log = small_log()
    assert ask(judge, log.publish(tmp_path / "x"), log.world.log_vkey).startswith("ACCEPTED size 15,")


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000"])
def test_the_judge_can_say_no(judge: Path, tmp_path: Path, name: str) -> None:
    arguments = plain_log(tmp_path, 257)
    path = tmp_path / "log" / name
    raw = path.read_bytes()
    path.write_bytes(raw[:30] + bytes([raw[30] ^ 1]) + raw[31:])
    assert ask(judge, *arguments).startswith("REFUSED")
