"""A PostgreSQL that may lose what it acknowledged is refused: at the start, and at the next batch if it is told later.

Each setting stands so on a real server, in a database, or in a session. Covers THREATS R25.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import Unavailable
from ledger.service.found import found_ledger
from ledger.service.ledger import Ledger
from ledger.service.submit import submit
from ledger.store import postgres
from ledger.store.create import create_database
from ledger.store.engine import open_database
from tests.ledgers import LogSigner, fixed_clock, require_whole
from tests.sequencer.steps import At, head_of, statements
from tests.store.databases import Place
from tests.store.servers import Server, shared
from tests.world import World

# Setting -> what it must not be, for one session.
IN_A_SESSION = {
    "synchronous_commit": "off",
    "zero_damaged_pages": "on",
    "ignore_checksum_failure": "on",
    "session_replication_role": "replica",
}
# The same for the whole server, told while it runs.
WHILE_IT_RUNS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "local"}
# And what only a start can set.
AT_ITS_START = {"data_sync_retry": "on", "ignore_invalid_pages": "on"}


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """A server of this module's own."""
    one = Server()
    yield one
    one.close()


@pytest.fixture
def place(tmp_path: Path, own_server: Server, world: World) -> Place:
    """A founded ledger on that server."""
    one = Place(tmp_path / "log", server=own_server, name=own_server.create())
    one.found(world).close()
    return one


def require_refused(url: str, setting: str) -> None:
    """Neither is the ledger there opened, nor one made."""
    for call in (open_database, create_database):
        with pytest.raises(Unavailable) as caught:
            call(url)
        assert (caught.value.code, caught.value.facts) == ("database_settings", {"setting": setting})


def test_every_setting_that_is_required_is_tried_here() -> None:
    tried = {*IN_A_SESSION, *WHILE_IT_RUNS, *AT_ITS_START, "server_encoding"}
    assert tried == set(postgres._SETTINGS)


@pytest.mark.parametrize("setting", IN_A_SESSION)
def test_of_a_session(place: Place, setting: str) -> None:
    assert place.server is not None
    options = f"-c%20{setting}%3D{IN_A_SESSION[setting]}"
    require_refused(place.server.url(place.name, options=options), setting)
    place.opened().close()


@pytest.mark.parametrize("setting", IN_A_SESSION)
def test_of_a_database(place: Place, world: World, setting: str) -> None:
    place.run(f"ALTER DATABASE {place.name} SET {setting} = {IN_A_SESSION[setting]}")
    assert place.url is not None
    require_refused(place.url, setting)
    place.run(f"ALTER DATABASE {place.name} RESET {setting}")
    place.opened().close()


@pytest.mark.parametrize("setting", WHILE_IT_RUNS)
def test_of_a_server_that_is_told_while_we_serve(place: Place, world: World, setting: str) -> None:
    first, second = statements(world, 2)
    assert place.url is not None
    with place.opened() as ledger:
        submit(ledger, first)
        before = head_of(ledger)
        tell(place, f"ALTER SYSTEM SET {setting} = {WHILE_IT_RUNS[setting]}")
        try:
            with pytest.raises(Unavailable) as caught:
                submit(ledger, second)
            assert (caught.value.code, caught.value.facts) == ("database_settings", {"setting": setting})
            assert head_of(ledger) == before
            require_refused(place.url, setting)
        finally:
            tell(place, f"ALTER SYSTEM RESET {setting}")
        assert submit(ledger, second).index == 13
        require_whole(ledger)


def tell(place: Place, statement: str) -> None:
    """Change a setting of the server, and wait until sessions have it."""
    _, _, act, name, *_ = statement.split()
    before = place.run(f"SHOW {name}")[0][0]
    place.run(statement)
    place.run("SELECT pg_reload_conf()")
    for _ in range(1_000):
        if place.run(f"SHOW {name}")[0][0] != before:
            return
        place.run("SELECT pg_sleep(0.01)")
    raise AssertionError(f"{act} {name} did not change anything")


def test_told_between_commit_and_checkpoint(place: Place, world: World) -> None:
    """The entries stand there unsigned; they are signed when the server is in order again, by a verified reload."""
    first, second = statements(world, 2)
    step = At("persisted", lambda: tell(place, "ALTER SYSTEM SET fsync = off"), 1)
    with Ledger.open(place.directory, database=place.url, signer=LogSigner(), clock=fixed_clock, step=step) as ledger:
        with pytest.raises(Unavailable) as caught:
            submit(ledger, first)
        assert caught.value.code == "database_settings"
        with pytest.raises(Unavailable) as caught:
            submit(ledger, second)
        assert caught.value.code == "writer_stopped"
        tell(place, "ALTER SYSTEM RESET fsync")
        assert ledger.writer.take_up()
        assert (submit(ledger, first).new, submit(ledger, second).new) == (False, True)


@pytest.mark.parametrize("setting", AT_ITS_START)
def test_of_a_server_that_was_started_so(place: Place, setting: str) -> None:
    assert place.server is not None
    assert place.url is not None
    place.server.stop()
    place.server.start(**{setting: AT_ITS_START[setting]})
    try:
        require_refused(place.url, setting)
    finally:
        place.server.stop()
        place.server.start()
    place.opened().close()


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_of_a_database_in_another_encoding(encoding: str) -> None:
    name = shared().create(f"TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    with pytest.raises(Unavailable) as caught:
        create_database(shared().url(name))
    assert (caught.value.code, caught.value.facts) == ("database_settings", {"setting": "server_encoding"})


def test_a_database_that_takes_no_writes(place: Place, world: World) -> None:
    """As a standby does: it is read, and never founded in."""
    assert place.server is not None
    empty = place.server.create()
    options = "-c%20default_transaction_read_only%3Don"
    with place.opened() as ledger:
        assert head_of(ledger).size == 12
    place.run(f"ALTER DATABASE {place.name} SET default_transaction_read_only = on")
    with Ledger.open(place.directory, database=place.url) as ledger:
        assert head_of(ledger).size == 12
    with pytest.raises(Unavailable) as caught:
        create_database(place.server.url(empty, options=options))
    assert (caught.value.code, caught.value.facts) == ("database_settings", {"setting": "transaction_read_only"})


def test_an_owner_without_privileges_is_enough(tmp_path: Path, own_server: Server, world: World) -> None:
    own_server.run("CREATE ROLE gigaton LOGIN")
    name = own_server.create("TEMPLATE template0 OWNER gigaton")
    first, *rest = world.founding()
    url = own_server.url(name, user="gigaton")
    with found_ledger(tmp_path / "log", first, signer=LogSigner(), database=url, clock=fixed_clock) as ledger:
        for statement in rest:
            submit(ledger, statement)
        assert len(require_whole(ledger)) == 12
