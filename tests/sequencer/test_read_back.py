"""What was committed is read again before it is signed: a difference stops the writer, and nothing is signed.

The change comes between commit and read-back, from a second connection with the
guards taken away, as a failing disk or memory would make it. Covers THREATS R1, R3, R7, T7.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest

from ledger.core.hashing import leaf_hash
from ledger.errors import Unavailable
from ledger.service.ledger import Ledger
from ledger.service.submit import submit, submit_all
from ledger.store.fsck import fsck
from tests.sequencer.steps import At, head_of, opened, require_recorded, statements
from tests.store.databases import change_behind
from tests.world import World

LAST = '(SELECT MAX("index") FROM entry)'
OTHER = b'{"another":"entry"}'
KEPT = ("entry", "tile", "head")

DIFFERS = {
    "a bit of the entry": f"""UPDATE entry SET bytes = CAST(x'7a' || substr(bytes, 2) AS BLOB)
        WHERE "index" = {LAST}""",
    "the leaf hash": f'UPDATE entry SET leaf_hash = zeroblob(32) WHERE "index" = {LAST}',
    "entry and leaf hash together": f"""UPDATE entry SET bytes = x'{OTHER.hex()}',
        leaf_hash = x'{leaf_hash(OTHER).hex()}' WHERE "index" = {LAST}""",
    "the entry is gone": f'DELETE FROM entry WHERE "index" = {LAST}',
    "the new hash in the tile": "UPDATE tile SET hashes = CAST(substr(hashes, 1, length(hashes) - 32) "
    "|| zeroblob(32) AS BLOB) WHERE level = 0",
    "an old hash in the tile": "UPDATE tile SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB) "
    "WHERE level = 0",
    "the root in the head": "UPDATE head SET root = zeroblob(32)",
}


def change_and_keep(directory: Path, change: str) -> None:
    """Change a row from outside; what was there is kept in a table beside it."""
    change_behind(directory, *(f"CREATE TABLE kept_{name} AS SELECT * FROM {name}" for name in KEPT), change)


def repair(directory: Path) -> None:
    """Put back what was kept."""
    for name in KEPT:
        change_behind(
            directory, f"DELETE FROM {name}", f"INSERT INTO {name} SELECT * FROM kept_{name}", f"DROP TABLE kept_{name}"
        )


def require_stopped(ledger: Ledger, statement: bytes, signed: bytes, checkpoint: bytes | None) -> None:
    """The writer takes nothing more, not even what it knows, and neither mark nor checkpoint has moved."""
    with pytest.raises(Unavailable) as caught:
        ledger.writer.append([statement])
    assert caught.value.code == "writer_stopped"
    assert (ledger.directory / "signer.json").read_bytes() == signed
    assert head_of(ledger).checkpoint == checkpoint


@pytest.mark.parametrize("what", DIFFERS)
def test_a_difference_after_the_commit_is_never_signed(directory: Path, world: World, what: str) -> None:
    first, second, third = statements(world, 3)
    change = At("committed", lambda: change_and_keep(directory, DIFFERS[what]))
    with opened(directory, change) as ledger:
        submit(ledger, first)
        signed, checkpoint = (directory / "signer.json").read_bytes(), head_of(ledger).checkpoint
        change.left = 1
        with pytest.raises(Unavailable) as caught:
            submit(ledger, second)
        assert caught.value.code == "read_back_differs"
        require_stopped(ledger, third, signed, checkpoint)
        require_stopped(ledger, first, signed, checkpoint)
        with pytest.raises(Unavailable) as caught:
            ledger.writer.reload()
        assert caught.value.code in {"read_back_differs", "tree_damaged"}
        require_stopped(ledger, third, signed, checkpoint)
    with pytest.raises(Unavailable) as caught:
        opened(directory)
    assert caught.value.code in {"read_back_differs", "tree_damaged"}
    assert (directory / "signer.json").read_bytes() == signed


@pytest.mark.parametrize("what", DIFFERS)
def test_once_the_rows_are_put_right_a_reload_signs_them(directory: Path, world: World, what: str) -> None:
    first, second = statements(world, 2)
    change = At("committed", lambda: change_and_keep(directory, DIFFERS[what]), 1)
    with opened(directory, change) as ledger:
        with pytest.raises(Unavailable) as caught:
            submit(ledger, first)
        assert caught.value.code == "read_back_differs"
        repair(directory)
        ledger.writer.reload()
        again = submit(ledger, first)
        assert not again.new
        require_recorded(ledger, world, again.index, first)
        assert submit(ledger, second).index == again.index + 1
        assert fsck(ledger.engine) == []


def test_a_tile_that_is_gone_stops_the_writer(directory: Path, world: World) -> None:
    first, second = statements(world, 2)
    signed = (directory / "signer.json").read_bytes()
    change = At("committed", lambda: change_behind(directory, "DELETE FROM tile"), 1)
    with opened(directory, change) as ledger:
        checkpoint = head_of(ledger).checkpoint
        with pytest.raises(Unavailable) as caught:
            submit(ledger, first)
        assert caught.value.code == "tile_missing"
        require_stopped(ledger, second, signed, checkpoint)


def test_a_reload_reads_every_entry_and_not_only_the_new_ones(directory: Path, world: World) -> None:
    (first,) = statements(world, 1)
    with opened(directory) as ledger:
        submit(ledger, first)
        change_behind(
            directory,
            """UPDATE entry SET bytes = CAST(x'7a' || substr(bytes, 2) AS BLOB)
            WHERE "index" = 3""",
        )
        with pytest.raises(Unavailable) as caught:
            ledger.writer.reload()
        assert (caught.value.code, caught.value.facts) == ("read_back_differs", {"index": 3})


def flip_in_memory(statement: bytes, at: int) -> None:
    """Change one bit of a bytes object where it lies, as a broken memory cell does."""
    # The contents end with the object, before one closing zero byte.
    address = id(statement) + statement.__sizeof__() - 1 - len(statement) + at
    assert ctypes.string_at(address, 1) == statement[at : at + 1]
    ctypes.memset(address, statement[at] ^ 1, 1)


@pytest.mark.parametrize("name", ["verified", "begun"])
@pytest.mark.parametrize("at", [0, -1], ids=["first byte", "last byte"])
def test_a_bit_that_turns_over_in_memory_after_the_check_is_not_recorded(
    directory: Path, world: World, name: str, at: int
) -> None:
    """R3: the bytes that are hashed are those whose signature was checked; nothing of the batch is written."""
    first, second = statements(world, 2)
    good = bytes(bytearray(second))
    step = At(name, lambda: flip_in_memory(second, at % len(second)), 1)
    with opened(directory, step) as ledger:
        before, signed = head_of(ledger), (directory / "signer.json").read_bytes()
        with pytest.raises(Unavailable) as caught:
            list(submit_all(ledger, [first, second]))
        assert second != good
        assert caught.value.code == "memory_damaged"
        assert (head_of(ledger), (directory / "signer.json").read_bytes()) == (before, signed)
        for place, statement in enumerate((first, good)):
            recorded = submit(ledger, statement)
            assert (recorded.index, recorded.new) == (before.size + place, True)
            require_recorded(ledger, world, recorded.index, statement)
