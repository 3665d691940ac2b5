"""What the writer refuses to take up, each by its code, and with no byte changed on disk.

A database that went back, another one, one that lost its write-ahead log, a
damaged one; a signer's memory that is not this log's; another log key.
Covers THREATS L06, L07, M9, R5, R20, R25, T7, X06, X09, X11, X14.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event

from ledger.core.hashing import EMPTY_ROOT
from ledger.errors import LedgerError, NotAllowed, Unavailable
from ledger.service.found import found_ledger
from ledger.service.ledger import Ledger
from ledger.service.submit import submit
from ledger.store.engine import Engine
from ledger.store.tables import SCHEMA_VERSION
from tests.cast import key_of
from tests.ledgers import LogSigner, database_of, fixed_clock, found, require_whole
from tests.sequencer.conftest import ON_SQLITE
from tests.sequencer.steps import files, head_of, opened, statements
from tests.store.databases import change_behind
from tests.world import ORIGIN, World


def require_refused(directory: Path, code: str) -> LedgerError:
    """Opening for writing is refused with this code, and every file is as it was."""
    before = files(directory)
    with pytest.raises(LedgerError) as caught:
        opened(directory)
    assert caught.value.code == code
    assert files(directory) == before
    return caught.value


def grown(directory: Path, world: World, count: int) -> int:
    """Record some statements, and close; gives the size."""
    with opened(directory) as ledger:
        for statement in statements(world, count):
            submit(ledger, statement)
        return head_of(ledger).size


@ON_SQLITE
@pytest.mark.parametrize("lost", [1, 3])
def test_an_older_copy_of_the_database(directory: Path, world: World, lost: int) -> None:
    older = (directory / "ledger.db").read_bytes()
    size = grown(directory, world, lost)
    newer = (directory / "ledger.db").read_bytes()
    (directory / "ledger.db").write_bytes(older)
    error = require_refused(directory, "database_rolled_back")
    assert isinstance(error, Unavailable)
    assert error.facts == {"size": size - lost}
    (directory / "ledger.db").write_bytes(newer)
    with opened(directory) as ledger:
        assert len(require_whole(ledger)) == size


@ON_SQLITE
@pytest.mark.parametrize(("ours", "theirs"), [(1, 1), (1, 3), (3, 1)])
def test_the_database_of_another_history_of_the_same_name(
    tmp_path: Path, directory: Path, world: World, ours: int, theirs: int
) -> None:
    """Longer, equal or shorter: what was signed is no prefix of it."""
    other = Path(shutil.copytree(directory, tmp_path / "other"))
    size = grown(directory, world, ours)
    grown(other, World(), 0)
    with opened(other) as ledger:
        for number in range(theirs):
            submit(ledger, world.claim("plant", counted_by=(f"other:{number}",)))
    shutil.copy(other / "ledger.db", directory / "ledger.db")
    error = require_refused(directory, "database_replaced" if theirs >= ours else "database_rolled_back")
    assert error.facts == {"size": size if theirs >= ours else size - ours + theirs}


@ON_SQLITE
def test_the_database_of_a_log_of_another_name(tmp_path: Path, directory: Path) -> None:
    found(tmp_path / "other", World(origin="elsewhere.example/log")).close()
    shutil.copy(tmp_path / "other" / "ledger.db", directory / "ledger.db")
    assert require_refused(directory, "other_log").facts == {"origin": ORIGIN}


def copied_while_open(directory: Path, world: World, to: Path) -> int:
    """Copy a ledger whose last entries stand in the write-ahead log alone; gives their number."""
    with opened(directory) as ledger:
        before = head_of(ledger).size
        for statement in statements(world, 2):
            submit(ledger, statement)
        assert (directory / "ledger.db-wal").stat().st_size > 0
        shutil.copytree(directory, to)
        (to / "ledger.db-shm").unlink()
        return head_of(ledger).size - before


@ON_SQLITE
def test_a_write_ahead_log_that_was_deleted(tmp_path: Path, directory: Path, world: World) -> None:
    """M9: SQLite finds the database in order; the signer remembers more."""
    lost = copied_while_open(directory, world, tmp_path / "copy")
    (tmp_path / "copy" / "ledger.db-wal").unlink()
    error = require_refused(tmp_path / "copy", "database_rolled_back")
    with opened(directory) as ledger:
        assert error.facts == {"size": head_of(ledger).size - lost}


@ON_SQLITE
def test_a_write_ahead_log_that_was_cut_or_touched(tmp_path: Path, directory: Path, world: World) -> None:
    """SQLite drops every page from the first that is wrong, without a word."""
    copied_while_open(directory, world, tmp_path / "copy")
    whole = (tmp_path / "copy" / "ledger.db-wal").read_bytes()
    for at, raw in enumerate((whole[: len(whole) // 2], whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])):
        copy = Path(shutil.copytree(tmp_path / "copy", tmp_path / f"copy-{at}"))
        (copy / "ledger.db-wal").write_bytes(raw)
        signed = (copy / "signer.json").read_bytes()
        with pytest.raises(Unavailable) as caught:
            opened(copy)
        assert caught.value.code == "database_rolled_back"
        assert (copy / "signer.json").read_bytes() == signed
    with opened(tmp_path / "copy") as ledger, opened(directory) as original:
        assert require_whole(ledger) == require_whole(original)


@ON_SQLITE
def test_a_write_ahead_log_of_another_history(tmp_path: Path, directory: Path, world: World) -> None:
    other = Path(shutil.copytree(directory, tmp_path / "other"))
    size = grown(directory, world, 1)
    with opened(other) as ledger:
        submit(ledger, world.claim("plant"))
        shutil.copy(other / "ledger.db-wal", directory / "ledger.db-wal")
    signed = (directory / "signer.json").read_bytes()
    with pytest.raises(Unavailable) as caught:
        opened(directory)
    assert (caught.value.code, caught.value.facts) == ("database_replaced", {"size": size})
    assert (directory / "signer.json").read_bytes() == signed


MARK = {"origin": ORIGIN, "size": 12, "root": "11" * 32}
MEMORIES = {
    "empty": (b"", "signer_state_unreadable"),
    "cut": (json.dumps(MARK).encode()[:40], "signer_state_unreadable"),
    "zeros": (bytes(100), "signer_state_unreadable"),
    "not text": (b"\xff\xfe{}", "signer_state_unreadable"),
    "another member": (json.dumps(MARK | {"more": 1}).encode(), "signer_state_unreadable"),
    "size as text": (json.dumps(MARK | {"size": "12"}).encode(), "signer_state_unreadable"),
    "size as truth": (json.dumps(MARK | {"size": True}).encode(), "signer_state_unreadable"),
    "root too short": (json.dumps(MARK | {"root": "11" * 31}).encode(), "signer_state_unreadable"),
    "root in capitals": (json.dumps(MARK | {"root": "AA" * 32}).encode(), "signer_state_unreadable"),
    "another log's": (json.dumps(MARK | {"origin": "elsewhere.example/log"}).encode(), "other_log"),
    "another root": (json.dumps(MARK).encode(), "database_replaced"),
    "another root at an earlier size": (json.dumps(MARK | {"size": 5}).encode(), "database_replaced"),
    "a size below nothing": (json.dumps(MARK | {"size": -1}).encode(), "database_replaced"),
    "more than there is": (json.dumps(MARK | {"size": 13}).encode(), "database_rolled_back"),
    "more than any log": (json.dumps(MARK | {"size": 2**80}).encode(), "database_rolled_back"),
}


@pytest.mark.parametrize("what", MEMORIES)
def test_a_signers_memory_that_is_not_of_this_log(directory: Path, what: str) -> None:
    raw, code = MEMORIES[what]
    good = (directory / "signer.json").read_bytes()
    assert json.loads(good)["size"] == MARK["size"]
    (directory / "signer.json").write_bytes(raw)
    require_refused(directory, code)
    (directory / "signer.json").write_bytes(good)
    with opened(directory) as ledger:
        assert len(require_whole(ledger)) == MARK["size"]


DAMAGES = {
    "UPDATE head SET root = zeroblob(32)": "tree_damaged",
    f"UPDATE head SET root = x'{EMPTY_ROOT.hex()}'": "tree_damaged",
    "UPDATE head SET size = size - 1": "database_rolled_back",
    "UPDATE head SET checkpoint_size = checkpoint_size + 1": "read_back_differs",
    "DELETE FROM head": "no_head",
    "UPDATE tile SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB)": "tree_damaged",
    "UPDATE tile SET hashes = CAST(substr(hashes, 1, length(hashes) - 32) || zeroblob(32) AS BLOB)": "tree_damaged",
    "DELETE FROM tile": "tile_missing",
    "DELETE FROM programme": "no_head",
    "PRAGMA user_version = 0": "schema_version",
    f"PRAGMA user_version = {SCHEMA_VERSION + 1}": "schema_version",
}


@pytest.mark.parametrize("change", DAMAGES)
def test_a_database_whose_head_or_tree_was_moved(directory: Path, change: str) -> None:
    change_behind(directory, change)
    require_refused(directory, DAMAGES[change])


class OtherSigner:
    """A key that is not the log's."""

    public_key = bytes(key_of("root0").verify_key)

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""
        return bytes(key_of("root0").sign(message).signature)


def test_another_key_than_the_programmes(tmp_path: Path, directory: Path) -> None:
    before = files(directory)
    with pytest.raises(NotAllowed) as caught:
        Ledger.open(directory, database=database_of(directory), signer=OtherSigner())
    assert caught.value.code == "wrong_log_key"
    assert files(directory) == before
    with pytest.raises(NotAllowed) as caught:
        found_ledger(tmp_path / "new", World().programme(), signer=OtherSigner())
    assert caught.value.code == "wrong_log_key"
    assert not (tmp_path / "new").exists()


class LyingSigner(OtherSigner):
    """Says that it holds the log's key, and signs with another."""

    public_key = LogSigner.public_key


def test_a_signature_by_another_key_is_never_handed_out(directory: Path, world: World) -> None:
    (statement,) = statements(world, 1)
    with Ledger.open(directory, database=database_of(directory), signer=LyingSigner(), clock=fixed_clock) as ledger:
        before = head_of(ledger)
        with pytest.raises(LedgerError) as caught:
            submit(ledger, statement)
        assert caught.value.code == "bad_note_signature"
        assert head_of(ledger).checkpoint == before.checkpoint
    with opened(directory) as ledger:
        after = head_of(ledger)
        assert after.checkpoint_size == after.size == before.size + 1


UNSAFE = {
    "journal_mode": "delete",
    "synchronous": 1,
    "foreign_keys": 0,
    "cell_size_check": 0,
    "wal_autocheckpoint": 1,
}


@ON_SQLITE
@pytest.mark.parametrize("name", UNSAFE)
def test_a_setting_that_does_not_keep_what_was_acknowledged(directory: Path, name: str) -> None:
    """R25: what was set is read back, for something on this machine may set it otherwise."""

    def weaken(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA {name} = {UNSAFE[name]}").close()

    event.listen(Engine, "checkout", weaken)
    try:
        with pytest.raises(Unavailable) as caught:
            opened(directory)
    finally:
        event.remove(Engine, "checkout", weaken)
    assert (caught.value.code, caught.value.facts) == ("database_settings", {"setting": name})
    opened(directory).close()


@ON_SQLITE
@pytest.mark.parametrize(("raw", "code"), [(b"this is no database" * 999, "database_unusable"), (None, "no_database")])
def test_a_file_that_is_no_database(directory: Path, raw: bytes | None, code: str) -> None:
    (directory / "ledger.db").unlink()
    if raw is not None:
        (directory / "ledger.db").write_bytes(raw)
    require_refused(directory, code)


@ON_SQLITE
def test_half_a_database(directory: Path) -> None:
    whole = (directory / "ledger.db").read_bytes()
    (directory / "ledger.db").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(sqlite3.DatabaseError), sqlite3.connect(directory / "ledger.db") as database:
        database.execute("SELECT * FROM entry").fetchall()
    database.close()
    require_refused(directory, "database_unusable")
