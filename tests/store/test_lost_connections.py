"""A connection that is lost at any step of a batch, also between COMMIT and its answer: the retry finds one entry.

Nothing goes on by itself after it: the log is taken up again by the checks of a start. Covers THREATS R4, R26, X15.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import Unavailable
from ledger.sequencer import keeper
from ledger.sequencer.keeper import Keeper
from ledger.service.ledger import Ledger
from ledger.service.submit import prove, submit
from ledger.store.fsck import fsck
from tests.ledgers import LogSigner, fixed_clock
from tests.sequencer.steps import STEPS, At, head_of, nothing, require_proof, require_recorded, statements
from tests.store.databases import Place, keeper_of
from tests.store.proxy import Proxy
from tests.store.servers import shared
from tests.world import World

IN_TURN = STEPS[1:-1]
BEFORE_COMMIT = STEPS[: STEPS.index("committed")]


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(shared().port) as one:
        yield one


def opened(place: Place, *, url: str | None = None, step: At | None = None) -> Ledger:
    """The ledger, for writing."""
    database = url or place.url
    return Ledger.open(place.directory, database=database, signer=LogSigner(), clock=fixed_clock, step=step or nothing)


def end_sessions(place: Place) -> None:
    """What an operator, a fail-over or a broken network does to every session."""
    place.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ? AND pid <> pg_backend_pid()",
        place.name,
    )


@pytest.mark.parametrize("name", IN_TURN)
def test_a_session_ended_at_any_step(place: Place, world: World, name: str) -> None:
    first, second, third = statements(world, 3)
    ended = At(name, lambda: end_sessions(place))
    with opened(place, step=ended) as ledger:
        kept = prove(ledger, [submit(ledger, first).index])[0]
        ended.left = 1
        if name == "stored":  # everything was done by then: only the lock was left to be given back
            assert submit(ledger, second).new
        else:
            require_stopped(ledger, second)
            assert ledger.writer.take_up()
        recorded = submit(ledger, second)
        assert recorded.new is (name in BEFORE_COMMIT)
        entries = require_recorded(ledger, world, recorded.index, second)
        require_proof(kept, world, entries)
        assert submit(ledger, third).index == len(entries)
        assert not ledger.writer.take_up()
        assert fsck(ledger.engine) == []


def require_stopped(ledger: Ledger, statement: bytes) -> None:
    """It is not acknowledged, and the writer takes nothing more, though the database may be there again."""
    for _ in range(2):
        with pytest.raises(Unavailable) as caught:
            submit(ledger, statement)
        assert caught.value.code == "writer_stopped"


@pytest.mark.parametrize(("commits", "signed"), [(1, 12), (2, 12), (3, 13)])
def test_the_answer_to_a_commit_is_lost(place: Place, proxy: Proxy, world: World, commits: int, signed: int) -> None:
    """The COMMITs of a batch are of its entries, of reading them back, and of its checkpoint: each took effect."""
    first, second = statements(world, 2)
    with opened(place, url=shared().url(place.name, port=proxy.port)) as ledger:
        proxy.cut_at(commits)
        require_stopped(ledger, first)
        head = head_of(ledger)
        assert (head.size, head.checkpoint_size) == (13, signed)
        assert ledger.writer.take_up()
        recorded = submit(ledger, first)
        assert (recorded.index, recorded.new) == (12, False)
        require_recorded(ledger, world, 12, first)
        assert submit(ledger, second).index == 13


def test_another_machine_gives_the_same_place_for_what_was_never_answered(
    place: Place, proxy: Proxy, world: World, tmp_path: Path
) -> None:
    """The retry goes elsewhere; the head that was left unsigned is signed there, and is the same here."""
    first, second = statements(world, 2)
    other = place.machine(tmp_path / "b")
    with opened(place, url=shared().url(place.name, port=proxy.port)) as ledger, other.opened() as taking_over:
        proxy.cut_at(1)
        require_stopped(ledger, first)
        recorded = submit(taking_over, first)
        assert (recorded.index, recorded.new) == (12, False)
        assert submit(taking_over, second).index == 13
        assert ledger.writer.take_up()
        assert submit(ledger, first).index == 12
        assert submit(ledger, second).checkpoint == submit(taking_over, second).checkpoint


def test_a_keeper_takes_the_writer_up_by_itself(
    place: Place, proxy: Proxy, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = statements(world, 2)
    tended: list[bool] = []
    tend = Keeper.tend

    def noted(self: Keeper) -> None:
        tend(self)
        tended.append(True)

    monkeypatch.setattr("ledger.sequencer.keeper.BEAT_S", 0.02)
    monkeypatch.setattr(Keeper, "tend", noted)
    with opened(place, url=shared().url(place.name, port=proxy.port)) as ledger:
        proxy.cut_at(1)
        with pytest.raises(Unavailable):
            submit(ledger, first)
        ledger.keep()
        while not tended:
            pass
        assert (submit(ledger, first).new, submit(ledger, second).new) == (False, True)


def test_a_database_that_is_away_is_asked_less_and_less(
    place: Place, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No error ends the watch, also not one that nobody foresaw."""
    pauses: list[float] = []
    errors: list[Exception] = [Unavailable("database_unusable", "away")] * 4 + [ZeroDivisionError("a bug")]

    def tend(self: Keeper) -> None:
        if len(pauses) <= len(errors):
            raise errors[len(pauses) - 1]

    class Pauses:
        def wait(self, pause: float) -> bool:
            pauses.append(pause)
            return len(pauses) > 7

        def set(self) -> None:
            """The thread has ended before."""

    with opened(place) as ledger:
        watch = keeper_of(ledger)
        monkeypatch.setattr(Keeper, "tend", tend)
        watch._ended = Pauses()  # type: ignore[assignment]
        watch._run()
        with pytest.raises(Unavailable) as caught:
            watch.require_alike()
        assert caught.value.code == "writer_stopped"
    beat = keeper.BEAT_S
    assert pauses == [beat, 2 * beat, 4 * beat, 4 * beat, 4 * beat, 4 * beat, beat, beat]


def test_reads_of_a_database_that_is_away_are_unavailable(place: Place, proxy: Proxy) -> None:
    with opened(place, url=shared().url(place.name, port=proxy.port)) as ledger:
        assert head_of(ledger).size == 12
        proxy.__exit__(None)
        for _ in range(2):
            with pytest.raises(Unavailable) as caught:
                head_of(ledger)
            assert caught.value.code == "database_unusable"
