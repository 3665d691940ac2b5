"""The schema goes up and down under a filled log, whole or not at all, and the log is the same before and after.

Covers THREATS X14.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, select
from sqlmodel import SQLModel

from ledger.errors import LedgerError, Unavailable
from ledger.service import migrate as service
from ledger.service.migrate import migrate
from ledger.service.submit import prove, submit, submit_all
from ledger.store import log_store, service_tables
from ledger.store.create import create_database
from ledger.store.engine import Connection, Engine, engine_of, open_database, reading
from ledger.store.export import export_log
from ledger.store.fsck import fsck
from ledger.store.migrations import VERSION_TABLE, schema_version
from ledger.store.migrations.versions import first
from ledger.store.tables import SCHEMA_VERSION
from tests.dialogue import raising
from tests.ledgers import require_whole
from tests.store.databases import Place
from tests.world import World, reference_to

BESIDE = (
    service_tables.EVIDENCE,
    service_tables.DRAFT,
    service_tables.USED_ASSERTION,
    service_tables.SUBSCRIPTION,
    service_tables.DELIVERY,
)
OLDEST = 1


@pytest.fixture
def filled(database: Place, world: World) -> Place:
    """A log of 300 entries with claims, one attested, and more than one tile."""
    with database.found(world) as ledger:
        claim = submit(ledger, world.claim())
        reference = reference_to(prove(ledger, [claim.index])[0].entry)
        rest = [world.attest(reference, "499000.000"), *(world.accreditation() for _ in range(286))]
        for answer in submit_all(ledger, rest):
            assert not isinstance(answer, LedgerError)
    return database


@contextmanager
def unopened(place: Place) -> Iterator[Connection]:
    """A reading connection of a database whatever its schema."""
    engine = engine_of(place.where)
    try:
        with reading(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def rows_of(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the log and of what follows from it, in the columns that every schema has."""
    rows = {}
    with unopened(place) as connection:
        for name, columns in first._TABLES.items():
            stored = SQLModel.metadata.tables[name]
            wanted = [stored.c[text.lstrip("*").partition(":")[0]] for text in columns.split()]
            found = connection.execute(select(*wanted).order_by(*stored.primary_key.columns))
            # Counts by status came with schema 3; that they are right again afterwards is for fsck to say.
            rows[name] = [tuple(row) for row in found if row[0] != "status"]
    return rows


def exported(place: Place, folder: Path) -> dict[str, bytes]:
    """Every file that an auditor would get."""
    with unopened(place) as connection:
        export_log(connection, folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def version_of(place: Place) -> int:
    with unopened(place) as connection:
        return schema_version(connection)


def differences(place: Place) -> list[Any]:
    """What the sum of the revisions lacks or has too much beside the tables of this release."""
    with unopened(place) as connection:
        ours = {
            "compare_type": True,
            "include_object": lambda thing, name, kind, *_: not (kind == "table" and name == VERSION_TABLE),
        }
        return compare_metadata(MigrationContext.configure(connection, opts=ours), SQLModel.metadata)


def test_down_and_up_again_the_log_is_the_same(filled: Place, world: World, tmp_path: Path) -> None:
    before, files = rows_of(filled), exported(filled, tmp_path / "before")
    assert len(before["entry"]) == 300
    for was, to in ((3, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 2), (2, 1), (1, 3)):
        done = migrate(filled.directory, database=filled.url, to=to)
        assert (done.before, done.after, version_of(filled)) == (was, to, to)
        assert rows_of(filled) == before
        assert exported(filled, tmp_path / f"{to}") == files
    assert differences(filled) == []
    with filled.opened() as ledger:
        assert submit(ledger, world.claim("plant")).index == 300
        require_whole(ledger)
        assert fsck(ledger.engine) == []


def test_a_log_that_the_older_release_cannot_read_stays_where_it_is(filled: Place, world: World) -> None:
    """Findings came with schema 2: nothing of them is lost by going back."""
    with filled.opened() as ledger:
        submit(ledger, raising(world, reference_to(prove(ledger, [12])[0].entry)))
    before = rows_of(filled)
    with pytest.raises(Unavailable) as caught:
        migrate(filled.directory, database=filled.url, to=1)
    assert (caught.value.code, version_of(filled), rows_of(filled)) == ("schema_version", SCHEMA_VERSION, before)
    with filled.opened() as ledger:
        assert fsck(ledger.engine) == []


def test_the_revisions_together_make_the_tables_of_this_release(database: Place) -> None:
    database.directory.mkdir(exist_ok=True)
    create_database(database.where).dispose()
    assert version_of(database) == SCHEMA_VERSION
    assert differences(database) == []


def test_a_difference_of_the_schema_would_be_seen(database: Place) -> None:
    """The comparison itself is no idle one."""
    database.directory.mkdir(exist_ok=True)
    create_database(database.where).dispose()
    database.run("ALTER TABLE draft ADD COLUMN more text")
    database.run("DROP INDEX claim_by_index")
    assert sorted(str(one[0]) for one in differences(database)) == ["add_index", "remove_column"]


def test_the_guards_stand_again_after_a_migration(filled: Place) -> None:
    migrate(filled.directory, database=filled.url, to=1)
    migrate(filled.directory, database=filled.url)
    for attack in ("UPDATE entry SET leaf_hash = leaf_hash", "DELETE FROM tile", "UPDATE head SET size = size - 1"):
        with pytest.raises(Exception, match=r"append only|only grows"):
            filled.run(attack)


@pytest.mark.parametrize("schema", [OLDEST, SCHEMA_VERSION + 1, 7_000])
def test_a_schema_of_another_release_is_refused(filled: Place, schema: int) -> None:
    """An older one until it was migrated, a newer one for ever."""
    if schema < SCHEMA_VERSION:
        migrate(filled.directory, database=filled.url, to=schema)
    else:
        set_version(filled, schema)
    before = rows_of(filled)
    for call in (filled.opened, lambda: open_database(filled.where)):
        with pytest.raises(Unavailable) as caught:
            call()
        assert caught.value.code == "schema_version"
        assert caught.value.facts == {"found": schema, "known": SCHEMA_VERSION}
        assert "gigaton migrate" in caught.value.remedy
    if schema > SCHEMA_VERSION:
        with pytest.raises(Unavailable) as caught:
            migrate(filled.directory, database=filled.url)
        assert caught.value.code == "schema_version"
    assert rows_of(filled) == before


def set_version(place: Place, schema: int) -> None:
    """As a later release would have left it."""
    if place.kind == "sqlite":
        place.run(f"PRAGMA user_version = {schema}")
    else:
        place.run(f"UPDATE alembic_version SET version_num = '{schema:04}'")


def test_a_schema_that_changes_under_a_running_writer_is_refused(filled: Place, world: World) -> None:
    """The release that runs was not made for it."""
    with filled.opened() as ledger:
        set_version(filled, SCHEMA_VERSION + 1)
        with pytest.raises(Unavailable) as caught:
            submit(ledger, world.claim("plant"))
        assert caught.value.code == "schema_version"
        set_version(filled, SCHEMA_VERSION)
        assert submit(ledger, world.claim("plant")).index == 300


@pytest.mark.parametrize("to", [0, SCHEMA_VERSION + 1])
def test_there_is_no_way_to_a_schema_that_is_not_known(filled: Place, to: int) -> None:
    with pytest.raises(Unavailable) as caught:
        migrate(filled.directory, database=filled.url, to=to)
    assert caught.value.code == "schema_version"
    assert version_of(filled) == SCHEMA_VERSION


class Killed(BaseException):
    """The end of a process."""


@pytest.mark.parametrize(("start", "to"), [(1, 2), (2, 1)])
def test_an_interrupted_migration_leaves_the_old_schema_whole(filled: Place, start: int, to: int) -> None:
    """Ended before each of its statements in turn."""
    migrate(filled.directory, database=filled.url, to=start)
    before, tables = rows_of(filled), tables_of(filled)
    ended = 0
    while interrupted(filled, to=to, at=ended):
        assert (version_of(filled), tables_of(filled)) == (start, tables)
        assert rows_of(filled) == before
        ended += 1
    assert ended > len(BESIDE)
    assert version_of(filled) == to
    assert rows_of(filled) == before


def tables_of(place: Place) -> list[Any]:
    if place.kind == "sqlite":
        return place.run("SELECT name, sql FROM sqlite_master ORDER BY name")
    return place.run("SELECT tablename, indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2")


def interrupted(place: Place, *, to: int, at: int) -> bool:
    """Migrate, and die before the statement of this number; false if there is no such one."""
    seen = 0

    def count(*arguments: Any) -> None:
        nonlocal seen
        if seen == at:
            raise Killed
        seen += 1

    def opened(*arguments: Any, **other: Any) -> Engine:
        engine = open_database(*arguments, **other)
        event.listen(engine, "before_cursor_execute", count)
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "open_database", opened)
        try:
            migrate(place.directory, database=place.url, to=to)
        except Killed:
            return True
    return False


def test_migrating_waits_for_nobody_for_ever(filled: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes: busy, and nothing changed."""
    from ledger.store import postgres, sqlite

    monkeypatch.setitem(postgres._SESSION, "lock_timeout", "100ms")
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 100)
    with filled.opened() as ledger, ledger.engine.begin():
        with pytest.raises(Unavailable) as caught:
            migrate(filled.directory, database=filled.url, to=1)
        assert caught.value.code == "busy"
    assert version_of(filled) == SCHEMA_VERSION


def test_a_file_from_before_there_were_revisions(tmp_path: Path, world: World) -> None:
    """The first release wrote schema 1 without Alembic's table."""
    place = Place(tmp_path / "log")
    place.found(world).close()
    migrate(place.directory, to=1)
    place.run("DROP TABLE alembic_version")
    done = migrate(place.directory)
    assert (done.before, done.after) == (1, SCHEMA_VERSION)
    assert differences(place) == []
    place.opened().close()


def test_a_log_with_entries_is_never_migrated_away(filled: Place) -> None:
    from ledger.store.migrations.run import downgrade

    engine = open_database(filled.where)
    try:
        with pytest.raises(Unavailable) as caught, engine.begin() as connection:
            downgrade(connection, "base")
        assert caught.value.code == "schema_version"
    finally:
        engine.dispose()
    with filled.opened() as ledger, ledger.reading() as connection:
        assert log_store.read_head(connection).size == 300
