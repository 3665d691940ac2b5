"""A serving process whose PostgreSQL is killed, or comes back as an old copy: it says so, and recovers by itself.

Covers THREATS X08, X09, X15.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ledger.errors import Unavailable
from ledger.service.ledger import Ledger
from ledger.store.create import create_database
from tests.http.conftest import keep_log_key
from tests.http.nursery import Machine, Nursery
from tests.ledgers import require_whole
from tests.sequencer.steps import head_of, statements
from tests.store.databases import Place, note_database
from tests.store.servers import Server, free_port, standby_of
from tests.world import World

JWS = {"Content-Type": "application/vc+jwt"}
RECOVERS_WITHIN_S = 20


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A founded ledger on a server that the test may do anything to."""
    server = Server()
    place = Place(tmp_path / "a", server=server, name=server.create())
    place.found(World()).close()
    keep_log_key(place.directory)
    yield place
    server.close()


@pytest.fixture
def machine(place: Place) -> Iterator[Machine]:
    """A process that serves it."""
    nursery = Nursery(place.directory)
    one = Machine(nursery, place.directory, free_port())
    one.start()
    one.wait()
    yield one
    nursery.close()


@pytest.fixture
def world() -> World:
    world = World()
    world.founding()
    return world


def ask(machine: Machine, path: str) -> tuple[int, str]:
    """Status and code of an answer."""
    answer = httpx.get(machine.url + path, timeout=30, trust_env=False)
    return answer.status_code, answer.json().get("code", "") if answer.status_code != 200 else ""


def send(machine: Machine, statement: bytes) -> tuple[int, str | int]:
    """Status, and index or code."""
    answer = httpx.post(f"{machine.url}/v1/statements", content=statement, headers=JWS, timeout=30, trust_env=False)
    body = answer.json()
    return answer.status_code, body["index"] if answer.status_code in (200, 201) else body["code"]


def test_the_database_is_killed_and_comes_back(place: Place, machine: Machine, world: World) -> None:
    first, second, third = statements(world, 3)
    assert place.server is not None
    assert send(machine, first) == (201, 12)
    place.server.kill()
    for _ in range(3):
        status, code = send(machine, second)
        assert status == 503
        assert code in {"writer_stopped", "database_unusable"}
    assert ask(machine, "/readyz") == (503, "not_ready")
    assert ask(machine, "/v1/totals") == (503, "database_unusable")
    assert ask(machine, "/healthz") == (200, "")
    place.server.start()
    machine.wait(within_s=RECOVERS_WITHIN_S)
    assert send(machine, second)[1] == 13
    assert send(machine, first) == (200, 12)
    assert send(machine, third) == (201, 14)
    with place.opened() as ledger:
        assert len(require_whole(ledger)) == 15


def test_a_fail_over_to_a_stale_copy_is_refused_and_the_right_one_taken_up(
    place: Place, machine: Machine, world: World
) -> None:
    first, second, third = statements(world, 3)
    server = place.server
    assert server is not None
    assert send(machine, first) == (201, 12)
    server.stop()
    stale, right = server.copy(), server.data
    server.start()
    machine.wait(within_s=RECOVERS_WITHIN_S)
    assert send(machine, second) == (201, 13)
    server.stop()
    server.start(data=stale)
    require_soon(lambda: send(machine, third), (503, "database_rolled_back"))
    require_soon(lambda: ask(machine, "/readyz"), (503, "not_ready"))
    assert ask(machine, "/v1/totals") == (200, "")
    with pytest.raises(Unavailable) as caught:
        place.opened()
    assert caught.value.code == "database_rolled_back"
    server.stop()
    server.start(data=right)
    machine.wait(within_s=RECOVERS_WITHIN_S)
    assert send(machine, third) == (201, 14)
    assert send(machine, second) == (200, 13)
    with place.opened() as ledger:
        assert len(require_whole(ledger)) == 15


def test_a_fail_over_to_a_synchronous_standby_loses_nothing(place: Place, machine: Machine, world: World) -> None:
    """As docs/postgresql.md advises: two servers in the address, and whichever takes writes is found."""
    first, second, third = statements(world, 3)
    primary = place.server
    assert primary is not None
    standby = standby_of(primary)
    try:
        machine.kill()
        hosts = "&".join(f"host={server.folder}:{server.port}" for server in (primary, standby))
        address = f"postgresql+psycopg://postgres@/{place.name}?{hosts}&target_session_attrs=read-write"
        note_database(place.directory, address)
        machine.start()
        machine.wait()
        assert send(machine, first) == (201, 12)
        with Ledger.open(place.directory, database=standby.url(place.name)) as reading:
            assert head_of(reading).size <= 13  # a standby is read, a moment behind perhaps
        with pytest.raises(Unavailable) as caught:
            create_database(standby.url("postgres"))
        assert caught.value.facts == {"setting": "transaction_read_only"}
        primary.kill()
        standby.promote()
        machine.wait(within_s=RECOVERS_WITHIN_S)
        assert send(machine, second)[1] == 13
        assert send(machine, first) == (200, 12)
        standby.run("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
        assert send(machine, third) == (201, 14)
        with Ledger.open(place.directory, database=address) as ledger:
            assert len(require_whole(ledger)) == 15
    finally:
        standby.close()


def require_soon(call: object, wanted: object) -> None:
    """It comes to this within the time that a recovery may take."""
    until = time.monotonic() + RECOVERS_WITHIN_S
    while (found := call()) != wanted:  # type: ignore[operator]
        assert time.monotonic() < until, found
        time.sleep(0.1)
