"""Several machines on one database: what each signer's memory takes over from the others, and what it never does.

Each has a directory of its own, with the same keys; SQLite stays with the strict rule of one memory for one database.
Covers THREATS R5, R20, T7, T23, X05, X09, X15.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ledger.core.hashing import EMPTY_ROOT
from ledger.errors import LedgerError, Unavailable
from ledger.sequencer.signer_state import Mark, SignerState
from ledger.service.ledger import Ledger
from ledger.service.publish import require_ready
from ledger.service.submit import submit
from ledger.store import postgres
from ledger.store.fsck import fsck
from tests.ledgers import require_whole
from tests.sequencer.steps import At, head_of, opened, statements
from tests.store.databases import Place, change_behind, keeper_of, note_database
from tests.store.servers import shared
from tests.world import ORIGIN, World


@pytest.fixture
def two(place: Place, tmp_path: Path) -> Iterator[tuple[Ledger, Ledger]]:
    """The ledger, opened for writing on two machines."""
    with place.opened() as first, place.machine(tmp_path / "b").opened() as second:
        yield first, second


def mark_of(directory: Path) -> Mark:
    return SignerState(directory, origin=ORIGIN).read()


def test_machines_that_write_in_turns_take_each_other_up(two: tuple[Ledger, Ledger], world: World) -> None:
    for number, statement in enumerate(statements(world, 6)):
        recorded = submit(two[number % 2], statement)
        assert (recorded.index, recorded.new) == (12 + number, True)
        again = submit(two[(number + 1) % 2], statement)
        assert (again.index, again.new, again.checkpoint) == (recorded.index, False, recorded.checkpoint)
    assert require_whole(two[0]) == require_whole(two[1])
    assert mark_of(two[0].directory) == mark_of(two[1].directory)
    assert fsck(two[0].engine) == []


def test_two_machines_append_at_once(two: tuple[Ledger, Ledger], world: World) -> None:
    """Threads on both: one sequence, each statement once, each receipt good."""
    claims = statements(world, 40)
    answers: dict[bytes, int] = {}

    def append(ledger: Ledger, mine: list[bytes]) -> None:
        for statement in mine:
            answers[statement] = submit(ledger, statement).index

    threads = [threading.Thread(target=append, args=(two[at % 2], claims[at::4])) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers.values()) == list(range(12, 52))
    assert len(require_whole(two[0])) == 52
    assert fsck(two[1].engine) == []


def test_of_overlapping_claims_on_two_machines_one_is_accepted(two: tuple[Ledger, Ledger], world: World) -> None:
    codes: list[str] = []
    together = threading.Barrier(8)
    claims = [world.claim(counted_by=("meter:one",), start=f"2025-03-0{day}", end="2025-04-01") for day in range(1, 9)]

    def one(ledger: Ledger, statement: bytes) -> None:
        together.wait()
        try:
            submit(ledger, statement)
            codes.append("recorded")
        except LedgerError as error:
            codes.append(error.code)

    threads = [threading.Thread(target=one, args=(two[at % 2], claim)) for at, claim in enumerate(claims)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["overlap"] * 7 + ["recorded"]


def test_a_later_programme_is_seen_by_every_machine(two: tuple[Ledger, Ledger], world: World) -> None:
    policy = msgspec.structs.replace(world.policy, deduction_above_ppm=200_000)
    before = two[1].programme.subject
    submit(two[0], world.programme(version=2, policy=policy))
    assert (before.version, two[1].programme.subject.version) == (1, 2)
    assert two[1].programme.subject.policy.deduction_above_ppm == 200_000


def test_a_machine_that_does_not_write_remembers_what_it_saw_signed(two: tuple[Ledger, Ledger], world: World) -> None:
    writing, watching = two
    keeper = keeper_of(watching)
    founded = mark_of(watching.directory)
    for statement in statements(world, 3):
        submit(writing, statement)
    assert mark_of(watching.directory) == founded
    keeper.tend()
    assert mark_of(watching.directory) == mark_of(writing.directory)
    assert require_ready(watching) == 15


def test_a_head_that_is_not_signed_yet_is_not_remembered(two: tuple[Ledger, Ledger], world: World) -> None:
    writing, watching = two
    keeper, founded = keeper_of(watching), mark_of(watching.directory)
    writing.writer._step = At("read_back", keeper.look, 1)
    submit(writing, statements(world, 1)[0])
    assert mark_of(watching.directory) == founded


def older_by_one(place: Place, world: World) -> str:
    """A copy of the database as it was before its last entry; gives the copy's address."""
    (statement,) = statements(world, 1)
    server = shared()
    older = server.create(f"TEMPLATE {place.name}")
    with place.opened() as ledger:
        submit(ledger, statement)
    return server.url(older)


def test_a_database_that_went_back_is_refused_by_whoever_looked(place: Place, world: World, tmp_path: Path) -> None:
    watching = place.machine(tmp_path / "b")
    never = place.machine(tmp_path / "c")
    older = older_by_one(place, world)
    with watching.opened() as ledger:
        keeper_of(ledger).tend()
    for directory in (place.directory, watching.directory):
        note_database(directory, older)
        with pytest.raises(Unavailable) as caught:
            opened(directory)
        assert (caught.value.code, caught.value.facts) == ("database_rolled_back", {"size": 12})
    # What remains: a machine that never looked does not know what it lost.
    note_database(never.directory, older)
    opened(never.directory).close()


def test_a_database_that_goes_back_under_a_serving_process(place: Place, world: World) -> None:
    """It reads on, says that it is not ready, and writes nothing; and goes on when the right one is back."""
    first, second = statements(world, 2)
    with place.opened() as ledger:
        keeper = keeper_of(ledger)
        place.run("CREATE TABLE kept AS SELECT * FROM head")
        submit(ledger, first)
        newer = place.run("SELECT size, root, checkpoint_size, checkpoint FROM head")[0]
        place_back(place, place.run("SELECT size, root, checkpoint_size, checkpoint FROM kept")[0])
        for call in (lambda: submit(ledger, second), keeper.tend, lambda: require_ready(ledger)):
            with pytest.raises(Unavailable) as caught:
                call()
            assert caught.value.code == "database_rolled_back"
        assert head_of(ledger).size == 12
        place_back(place, newer)
        keeper.tend()
        assert require_ready(ledger) == 13
        assert submit(ledger, second).index == 13
        require_whole(ledger)


def place_back(place: Place, row: object) -> None:
    """Put the head to other values, guards taken away."""
    size, root, checkpoint_size, checkpoint = row  # type: ignore[misc]
    change_behind(
        place.directory,
        f"UPDATE head SET size = {size}, root = x'{bytes(root).hex()}', checkpoint_size = {checkpoint_size}, "
        f"checkpoint = x'{bytes(checkpoint).hex()}'",
    )


def test_another_history_is_refused(place: Place, world: World, tmp_path: Path) -> None:
    """Both grew by one entry from the same founding: neither machine ever writes to the other's."""
    other = Place(tmp_path / "b", server=shared(), name=shared().create(f"TEMPLATE {place.name}"))
    shutil.copytree(place.directory, other.directory)
    claims = statements(world, 3)
    for one, statement in ((place, claims[0]), (other, claims[1])):
        with one.opened() as ledger:
            submit(ledger, statement)
    note_database(place.directory, str(other.url))
    with pytest.raises(Unavailable) as caught:
        opened(place.directory)
    assert caught.value.code == "database_replaced"


FORGED = {
    "no checkpoint": "UPDATE head SET checkpoint = NULL",
    "another's signature": "UPDATE head SET checkpoint = substring(checkpoint FROM 1 FOR length(checkpoint) - 10)",
    "of another size": "UPDATE head SET checkpoint_size = size - 1",
}


@pytest.mark.parametrize("what", FORGED)
def test_what_the_log_key_did_not_sign_is_not_taken_over(place: Place, world: World, tmp_path: Path, what: str) -> None:
    behind = place.machine(tmp_path / "b")
    with place.opened() as writing, behind.opened() as watching:
        keeper, before = keeper_of(watching), mark_of(behind.directory)
        for statement in statements(world, 3):
            submit(writing, statement)
        change_behind(place.directory, FORGED[what])
        with pytest.raises(Unavailable) as caught:
            keeper.look()
        assert caught.value.code == "checkpoint_damaged"
        with pytest.raises(Unavailable) as caught:
            submit(watching, world.claim())
        assert caught.value.code == "checkpoint_damaged"
    with pytest.raises(Unavailable) as caught:
        opened(behind.directory)
    assert caught.value.code == "checkpoint_damaged"
    assert mark_of(behind.directory) == before


@pytest.mark.parametrize("memory", ["none", "of nothing"])
def test_a_new_machine_begins_with_what_is_signed(place: Place, world: World, tmp_path: Path, memory: str) -> None:
    new = place.machine(tmp_path / "b")
    if memory == "none":
        (new.directory / "signer.json").unlink()
    else:
        empty = Mark(ORIGIN, 0, EMPTY_ROOT.hex())
        (new.directory / "signer.json").write_bytes(msgspec.json.encode(empty))
    with new.opened() as ledger:
        assert mark_of(new.directory) == mark_of(place.directory)
        assert submit(ledger, statements(world, 1)[0]).index == 12


def test_the_turn_is_one_for_all_machines(two: tuple[Ledger, Ledger], world: World) -> None:
    """Between commit and signature no other machine writes: it waits until the turn is over."""
    first, second = statements(world, 2)
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(submit(two[1], second).index))

    def meanwhile() -> None:
        thread.start()
        thread.join(0.5)
        assert done == []
        assert head_of(two[0]).size == 13

    two[0].writer._step = At("committed", meanwhile, 1)
    assert submit(two[0], first).index == 12
    thread.join()
    assert done == [13]


def test_a_turn_that_is_not_to_be_had_is_busy_and_stops_nobody(
    place: Place, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres._SESSION, "lock_timeout", "100ms")
    first, second = statements(world, 2)
    with place.opened() as ledger, shared().connect(place.name) as other:
        for lock in (postgres.TURN_LOCK, postgres.WRITER_LOCK):
            other.execute(f"SELECT pg_advisory_lock({lock})".encode())
            with pytest.raises(Unavailable) as caught:
                submit(ledger, first)
            assert caught.value.code == "busy"
            other.execute(f"SELECT pg_advisory_unlock({lock})".encode())
        assert submit(ledger, first).index == 12
        assert submit(ledger, second).index == 13


def test_a_machine_that_hangs_in_its_turn_loses_it(
    two: tuple[Ledger, Ledger], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends a session that does nothing; what was committed is signed by the next machine, once."""
    first, second = statements(world, 2)
    monkeypatch.setattr(postgres, "_BEGIN_TURN", postgres._BEGIN_TURN.replace(f"'{postgres.TURN_IDLE_S}s'", "'200ms'"))

    def hang() -> None:
        assert submit(two[1], second).index == 13

    two[0].writer._step = At("persisted", hang, 1)
    with pytest.raises(Unavailable) as caught:
        submit(two[0], first)
    assert caught.value.code == "writer_stopped"
    assert two[0].writer.take_up()
    again = submit(two[0], first)
    assert (again.index, again.new) == (12, False)
    assert len(require_whole(two[0])) == 14
    assert mark_of(two[0].directory) == mark_of(two[1].directory)
