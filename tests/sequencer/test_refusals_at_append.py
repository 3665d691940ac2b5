"""What the running writer refuses: a clock that went back, a head that somebody moved, a second root for one size.

Covers THREATS R5, R20, T4, T23, X04.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ledger.core.tiles import Tile, TileData
from ledger.errors import Conflict, Forked, Unavailable
from ledger.sequencer.signer_state import SignerState
from ledger.service.submit import prove, submit
from ledger.store import log_store
from ledger.store.engine import Connection
from tests.ledgers import reopen, require_whole
from tests.sequencer.steps import At, files, head_of, opened, require_recorded, statements
from tests.store.databases import change_behind
from tests.world import ORIGIN, START_MS, World

DAY_MS = 86_400_000
# No tile of a log this small; written along, to be rolled back.
TILE = TileData(Tile(5, 0, 1), bytes(32))


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.mark.parametrize("behind_ms", [1, 1_000, DAY_MS])
def test_a_clock_behind_the_last_entry_stops_writing_until_it_has_caught_up(
    directory: Path, world: World, behind_ms: int
) -> None:
    first, second, third = statements(world, 3)
    clock = Hands()
    with reopen(directory, clock=clock) as ledger:
        clock.now_ms = START_MS + DAY_MS
        kept = submit(ledger, first)
        before, signed = head_of(ledger), (directory / "signer.json").read_bytes()
        assert before.recorded_at_ms == START_MS + DAY_MS
        clock.now_ms -= behind_ms
        for batch in ([second], [second, third], [first]):
            with pytest.raises(Unavailable) as caught:
                ledger.writer.append(batch)
            assert (caught.value.code, caught.value.facts) == ("clock_backwards", {"behind_ms": behind_ms})
        assert (head_of(ledger), (directory / "signer.json").read_bytes()) == (before, signed)
        assert len(require_whole(ledger)) == before.size
        assert prove(ledger, [kept.index])[0].index == kept.index
        # The very moment of the last entry is late enough, and no reload is asked for.
        clock.now_ms += behind_ms
        require_recorded(ledger, world, submit(ledger, second).index, second)
        clock.now_ms += 1
        require_recorded(ledger, world, submit(ledger, third).index, third)
        assert head_of(ledger).recorded_at_ms == START_MS + DAY_MS + 1


def test_a_clock_that_went_back_while_nobody_wrote_refuses_the_first_append(directory: Path, world: World) -> None:
    before = files(directory)
    with reopen(directory, clock=lambda: START_MS - DAY_MS) as ledger:
        with pytest.raises(Unavailable) as caught:
            submit(ledger, world.claim())
        assert (caught.value.code, caught.value.facts) == ("clock_backwards", {"behind_ms": DAY_MS})
    assert files(directory) == before


@pytest.mark.parametrize("changes", [{"size": 11}, {"root": bytes(32)}], ids=["size", "root"])
def test_only_who_saw_the_present_head_may_move_it(directory: Path, changes: dict[str, object]) -> None:
    """Compare and swap; what the same transaction wrote goes with it."""

    def append_and_move(connection: Connection, seen: log_store.Head) -> None:
        log_store.append_entries(connection, first=head.size, entries=[b"x"], leaves=[bytes(32)], tiles=[TILE])
        log_store.move_head(connection, old=seen, size=13, root=bytes(32), recorded_at_ms=START_MS)

    with opened(directory) as ledger:
        head = head_of(ledger)
        stale = msgspec.structs.replace(head, **changes)
        with ledger.engine.connect() as connection:
            with pytest.raises(Conflict) as caught:
                append_and_move(connection, stale)
            connection.rollback()
            assert (caught.value.code, caught.value.facts) == ("head_moved", {"size": stale.size})
            assert (head_of(ledger), len(require_whole(ledger))) == (head, head.size)
            append_and_move(connection, head)
            connection.commit()
        assert head_of(ledger).size == 13


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE head SET root = zeroblob(32)", "tree_damaged"),
        ("UPDATE head SET size = size - 1", "database_rolled_back"),
        ("DELETE FROM head", "no_head"),
    ],
)
def test_a_head_that_was_moved_under_the_running_writer(directory: Path, world: World, change: str, code: str) -> None:
    first, second = statements(world, 2)
    with opened(directory) as ledger:
        submit(ledger, first)
        signed = (directory / "signer.json").read_bytes()
        change_behind(directory, change)
        with pytest.raises(Unavailable) as caught:
            submit(ledger, second)
        assert caught.value.code == code
        with ledger.reading() as connection:
            assert len(list(log_store.read_entries(connection, first=0, end=100))) == 13
        assert (directory / "signer.json").read_bytes() == signed


def test_the_signer_never_signs_a_second_root_for_one_size(tmp_path: Path) -> None:
    state = SignerState(tmp_path, origin=ORIGIN)
    state.advance(size=7, root=b"a" * 32)
    before = files(tmp_path)
    with pytest.raises(Forked) as caught:
        state.advance(size=7, root=b"b" * 32)
    assert (caught.value.code, caught.value.facts) == ("signer_fork", {"size": 7, "signed": (b"a" * 32).hex()})
    for size in (0, 6):
        with pytest.raises(Unavailable) as rolled:
            state.advance(size=size, root=b"a" * 32)
        assert (rolled.value.code, rolled.value.facts) == ("database_rolled_back", {"size": size, "signed": 7})
    assert files(tmp_path) == before
    state.advance(size=7, root=b"a" * 32)
    assert files(tmp_path) == before
    state.advance(size=8, root=b"b" * 32)
    assert (state.read().size, state.read().root) == (8, (b"b" * 32).hex())


def test_a_fork_met_while_signing_answers_nobody(directory: Path, world: World) -> None:
    """Another signer with this memory signed the same size first: the committed entry gets no checkpoint."""
    first, second = statements(world, 2)
    other = SignerState(directory, origin=ORIGIN)
    fork = At("read_back", lambda: other.advance(size=14, root=b"f" * 32))
    with opened(directory, fork) as ledger:
        submit(ledger, first)
        checkpoint = head_of(ledger).checkpoint
        fork.left = 1
        with pytest.raises(Forked) as caught:
            submit(ledger, second)
        assert (caught.value.code, caught.value.facts) == ("signer_fork", {"size": 14, "signed": (b"f" * 32).hex()})
        assert head_of(ledger).checkpoint == checkpoint
        with pytest.raises(Unavailable) as stopped:
            ledger.writer.reload()
        assert stopped.value.code == "database_replaced"
    with pytest.raises(Unavailable) as stopped:
        opened(directory)
    assert stopped.value.code == "database_replaced"
    assert other.read().root == (b"f" * 32).hex()
