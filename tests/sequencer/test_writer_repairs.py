"""A commit that did not last, a memory of the signer that went back, a write that was cut: each stops the writer.

Covers THREATS R1, R5, R7, T7, T23, X02.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import threading
from pathlib import Path

import pytest

from ledger.errors import Forked, LedgerError, Unavailable
from ledger.sequencer.signer_state import SignerState, write_durably
from ledger.service.submit import submit
from ledger.store.tables import SCHEMA_VERSION
from tests.ledgers import found, require_whole
from tests.sequencer.conftest import ON_SQLITE
from tests.sequencer.steps import At, files, head_of, opened, statements
from tests.store.databases import change_behind
from tests.world import ORIGIN, World

LOST = {
    "the commit did not last": "UPDATE head SET size = size - 1",
    "the commit and its entry": """UPDATE head SET size = size - 1;
        DELETE FROM entry WHERE "index" = (SELECT MAX("index") FROM entry)""",
    "the tile is cut": "UPDATE tile SET hashes = CAST(substr(hashes, 1, length(hashes) - 32) AS BLOB)",
    "the tile is text": "UPDATE tile SET hashes = 'text'",
    "the head is gone": "DELETE FROM head",
    "the head is beyond": "UPDATE head SET size = size + 1",
}


@pytest.mark.parametrize("what", LOST)
def test_what_was_committed_and_is_not_found_again_is_never_acknowledged(
    directory: Path, world: World, what: str
) -> None:
    first, second, third = statements(world, 3)
    change = At("committed", lambda: change_behind(directory, *LOST[what].split(";")))
    with opened(directory, change) as ledger:
        submit(ledger, first)
        signed = (directory / "signer.json").read_bytes()
        change.left = 1
        with pytest.raises(Unavailable) as caught:
            submit(ledger, second)
        assert caught.value.code in {"read_back_differs", "tile_missing", "no_head"}
        with pytest.raises(Unavailable) as caught:
            submit(ledger, third)
        assert caught.value.code == "writer_stopped"
        assert (directory / "signer.json").read_bytes() == signed


@pytest.mark.parametrize("cut", [32, 1, 384])
def test_a_tile_that_was_cut_is_refused_at_start(directory: Path, world: World, cut: int) -> None:
    change_behind(directory, f"UPDATE tile SET hashes = CAST(substr(hashes, 1, length(hashes) - {cut}) AS BLOB)")
    before = files(directory)
    with pytest.raises(Unavailable) as caught:
        opened(directory)
    assert caught.value.code == "tile_missing"
    assert files(directory) == before


@ON_SQLITE
@pytest.mark.parametrize("older", [False, True], ids=["deleted", "older"])
def test_a_signers_memory_that_forgets_what_was_signed(directory: Path, world: World, older: bool) -> None:
    path = directory / "signer.json"
    first, second, third = statements(world, 3)
    was = path.read_bytes()
    with opened(directory) as ledger:
        submit(ledger, first)
        signed = path.read_bytes()
        path.write_bytes(was) if older else path.unlink()
        with pytest.raises(Unavailable) as caught:
            submit(ledger, second)
        assert caught.value.code == "signer_state_lost"
        path.write_bytes(signed)
        submit(ledger, second)
    signed = path.read_bytes()
    path.write_bytes(was) if older else path.unlink()
    before = files(directory)
    with pytest.raises(Unavailable) as caught:
        opened(directory)
    assert caught.value.code == "signer_state_lost"
    assert files(directory) == before
    path.write_bytes(signed)
    with opened(directory) as ledger:
        assert submit(ledger, third).index == 14


def test_after_a_fork_nothing_more_is_signed(directory: Path, world: World) -> None:
    first, second = statements(world, 2)
    other = SignerState(directory, origin=ORIGIN)
    fork = At("read_back", lambda: other.advance(size=13, root=b"f" * 32), 1)
    with opened(directory, fork) as ledger:
        with pytest.raises(Forked):
            submit(ledger, first)
        with pytest.raises(Unavailable) as caught:
            submit(ledger, second)
        assert caught.value.code == "writer_stopped"
        assert (other.read().size, other.read().root) == (13, (b"f" * 32).hex())


def test_a_memory_of_another_history_stops_the_running_writer(directory: Path, world: World) -> None:
    with opened(directory) as ledger:
        mark = json.loads((directory / "signer.json").read_bytes())
        (directory / "signer.json").write_text(json.dumps(mark | {"root": "77" * 32}))
        size = head_of(ledger).size
        with pytest.raises(Unavailable) as caught:
            submit(ledger, world.claim())
        assert caught.value.code == "database_replaced"
        assert len(require_whole(ledger)) == size


def test_a_mark_that_was_written_in_part_is_not_put_in_place(tmp_path: Path) -> None:
    """A disk that is nearly full takes a part of a write and says so in its result alone."""
    path = tmp_path / "signer.json"
    write_durably(path, b"old")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (50, 50))
            write_durably(path, b"x" * 120)
        except OSError:
            code = 7
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("name", ["what?", "100%25", "a#b", "two words", "file:x"])
def test_a_directory_may_have_any_name(tmp_path: Path, name: str) -> None:
    found(tmp_path / name / "log", World()).close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with opened(tmp_path / name / "log") as ledger:
        assert len(require_whole(ledger)) == 12


def test_a_refused_database_is_let_go_of(directory: Path) -> None:
    change_behind(directory, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    before = sorted(path.name for path in directory.iterdir())
    with pytest.raises(Unavailable) as caught:
        opened(directory)
    assert caught.value.code == "schema_version"
    assert sorted(path.name for path in directory.iterdir()) == before


def test_a_bug_met_by_one_thread_is_told_to_all_who_waited(directory: Path, world: World) -> None:
    waiting = statements(world, 3)
    failures: list[BaseException] = []

    def bug() -> None:
        raise ZeroDivisionError("a bug")

    with opened(directory, At("decided", bug)) as ledger:
        writer = ledger.writer
        queued = threading.Semaphore(0)

        class Announced(list):
            def append(self, request: object) -> None:
                super().append(request)
                queued.release()

        def append(statement: bytes) -> None:
            try:
                writer.append([statement])
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test judges it
                failures.append(error)

        writer._queue = Announced()
        writer._step.left = 1  # type: ignore[attr-defined]
        threads = [threading.Thread(target=append, args=(one,)) for one in waiting]
        with writer._commit:
            for thread in threads:
                thread.start()
                queued.acquire()
        for thread in threads:
            thread.join()
        told = [error.code for error in failures if isinstance(error, LedgerError)]
        assert told == ["writer_stopped"] * 2
        assert [type(error) for error in failures if not isinstance(error, LedgerError)] == [ZeroDivisionError]
        assert len(require_whole(ledger)) == 12
