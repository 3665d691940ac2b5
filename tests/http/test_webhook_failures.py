"""Receivers that fail, servers that die, and two that run at once: every entry arrives, in the end.

Covers THREATS H14, T21; DESIGN 7 (retries, dead letters, one deliverer).
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest

from ledger.service import deliveries, webhooks
from ledger.service.addresses import read_allowed
from ledger.service.ledger import Ledger
from ledger.service.submit import submit_all
from tests.http.conftest import Served, found_with_keys, keep_log_key, start, stop, wait_for
from tests.http.receivers import Got, Receiver, receiving
from tests.http.test_statements import post
from tests.ledgers import reopen
from tests.store.databases import KINDS, Place
from tests.store.servers import shared
from tests.world import World

OWNER = World().party_id("carrier")


@contextmanager
def serving(directory: Path, world: World, *allowed: str) -> Iterator[Served]:
    options = [word for one in allowed for word in ("--webhook-allow", one)]
    process, url = start(directory, *options)
    try:
        yield Served(url, directory, world, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


def subscribed(ledger: Ledger, url: str, **filters: Any) -> str:
    """Subscribe without the network: what is tried here is the delivering."""
    wanted = webhooks.Wanted(url, webhooks.Filters(**filters))
    return webhooks.subscribe(ledger, wanted, owner=OWNER, allowed=read_allowed([url])).id


def seen(ledger: Ledger, identity: str) -> webhooks.Subscription:
    return webhooks.get(ledger, identity, owner=OWNER)


def record(served: Served, count: int, *, start_at: int = 0) -> list[int]:
    claims = [served.world.claim(counted_by=(f"meter:fail-{start_at + at}",)) for at in range(count)]
    answers = [post(served, claim) for claim in claims]
    assert {answer.status_code for answer in answers} == {201}
    return [answer.json()["index"] for answer in answers]


def indexes(receiver: Receiver, path: str = "/h") -> list[int]:
    """What was told, each body read without its signature."""
    return [index_of(got) for got in list(receiver.got) if got.path == path]


def index_of(got: Got) -> int:
    return int(jwt.decode(got.body.decode(), options={"verify_signature": False})["index"])


def first_times(count: int, status: int) -> Callable[[Got], int | None]:
    """Answers with a failure so many times, then well."""
    left = [count]

    def answer(got: Got) -> int:
        left[0] -= 1
        return 204 if left[0] < 0 else status

    return answer


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    found_with_keys(tmp_path / "log")
    with reopen(tmp_path / "log") as one:
        yield one


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Room for a ledger on each database in turn."""
    if request.param == "sqlite":
        return Place(tmp_path / "log")
    return Place(tmp_path / "log", server=shared(), name=shared().create())


def world_of(ledger: Ledger) -> World:
    """A world that goes on where the one that founded this ledger stopped."""
    world = World()
    world.founding()
    world.ledger = ledger.name
    return world


def test_failures_are_tried_again_and_nobody_waits_for_another(ledger: Ledger) -> None:
    with (
        receiving(first_times(1, 503)) as failing,
        receiving(lambda got: None) as silent,
        receiving(lambda got: 302) as moving,
        receiving(first_times(1, 400)) as picky,
        receiving() as well,
    ):
        names = [failing, silent, moving, picky, well]
        ids = {one.url: subscribed(ledger, f"{one.url}/h") for one in names}
        gone = subscribed(ledger, "http://127.0.0.1:1/h")
        unnamed = subscribed(ledger, "http://no-such-name.invalid/h")
        allowed = [f"{one.url}/" for one in names]
        more = ["http://127.0.0.1:1/", "http://no-such-name.invalid/"]
        with serving(ledger.directory, world_of(ledger), *allowed, *more) as served:
            begun = time.monotonic()
            told = record(served, 3)
            wait_for(lambda: indexes(well) == told)
            assert time.monotonic() - begun < deliveries.RETRY_FIRST_MS / 1000 + 15  # though another is silent
            # A busy machine may let an attempt run out of time, so one may come more often than here needed.
            wait_for(lambda: set(indexes(failing)) == set(told))
            assert indexes(failing)[:2] == [told[0], told[0]]  # nothing else is tried before that
            assert list(dict.fromkeys(indexes(failing))) == told
            wait_for(lambda: set(indexes(picky)) == set(told) and indexes(picky).count(told[0]) > 1)
            wait_for(lambda: bool(silent.got) and bool(moving.got))
            wait_for(lambda: seen(ledger, ids[well.url]).delivered == 3)
            wait_for(lambda: seen(ledger, ids[failing.url]).delivered == 3)
            assert not [got for got in moving.got if got.path != "/h"]  # followed nowhere
            for identity in (ids[silent.url], ids[moving.url], gone, unnamed):
                assert (seen(ledger, identity).delivered, seen(ledger, identity).pending) == (0, 3)
            served.process.terminate()
            assert served.process.wait(30) == 0
    lines = [json.loads(line) for line in served.said.read_text().splitlines()]
    told_of = {(line["subscription"], line.get("problem")) for line in lines if line["event"] == "webhook"}
    assert {(ids[silent.url], "timeout"), (ids[moving.url], "status_302"), (ids[failing.url], "status_503")} <= told_of
    assert {(gone, "connection_failed"), (unnamed, "name_not_found"), (ids[picky.url], "status_400")} <= told_of
    assert not [line for line in lines if line["level"] == "error"]
    assert not any(one.url in json.dumps(line) for one in names for line in lines)  # addresses may hold secrets


def test_what_was_given_up_is_shown_and_can_be_tried_again(ledger: Ledger) -> None:
    status = [500]
    with receiving(lambda got: status[0]) as receiver:
        identity = subscribed(ledger, f"{receiver.url}/h")
        with serving(ledger.directory, world_of(ledger), f"{receiver.url}/") as served:
            (index,) = record(served, 1)
            wait_for(lambda: seen(ledger, identity).pending == 1 and bool(receiver.got))
            # A day later: only the last attempt is left.
            wait_for(lambda: attempts(ledger) == [1])
            last(ledger)
            wait_for(lambda: seen(ledger, identity).dead == 1)
            (dead,) = webhooks.dead(ledger, identity, owner=OWNER)
            assert (dead.index, dead.attempts, dead.problem) == (index, deliveries.ATTEMPTS_MAX, "status_500")
            status[0] = 200
            assert webhooks.revive(ledger, identity, owner=OWNER) == 1
            wait_for(lambda: seen(ledger, identity).delivered == 1)
            assert (seen(ledger, identity).dead, seen(ledger, identity).pending) == (0, 0)
            stop(served.process)


def behind(ledger: Ledger, statement: str) -> list[Any]:
    with closing(sqlite3.connect(ledger.directory / "ledger.db", isolation_level=None, timeout=30)) as database:
        return database.execute(statement).fetchall()


def attempts(ledger: Ledger) -> list[int]:
    return [row[0] for row in behind(ledger, "SELECT attempts FROM delivery")]


def last(ledger: Ledger) -> None:
    behind(ledger, f"UPDATE delivery SET attempts = {deliveries.ATTEMPTS_MAX - 1}, due_ms = 0")


def test_an_address_that_is_no_longer_allowed_is_not_called(ledger: Ledger) -> None:
    with receiving() as receiver, receiving() as other:
        identity = subscribed(ledger, f"{receiver.url}/h")
        with serving(ledger.directory, world_of(ledger), f"{other.url}/") as served:
            record(served, 1)
            wait_for(
                lambda: [row[0] for row in behind(ledger, "SELECT problem FROM delivery")] == ["address_not_allowed"]
            )
            stop(served.process)
        assert receiver.got == []
        assert seen(ledger, identity).pending == 1


def test_a_name_that_leads_inside_is_not_called(ledger: Ledger) -> None:
    """The operator allowed the name; the name server decides otherwise."""
    with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "localhost")
        subscribed(ledger, f"{url}/h")
        with serving(ledger.directory, world_of(ledger), f"{url}/") as served:
            record(served, 1)
            wait_for(
                lambda: [row[0] for row in behind(ledger, "SELECT problem FROM delivery")] == ["address_not_allowed"]
            )
            stop(served.process)
        assert receiver.got == []


def slowly(got: Got) -> int:
    time.sleep(0.02)
    return 204


def test_killed_between_deliveries_it_loses_none(ledger: Ledger) -> None:
    """Again and again; what was received and not yet noted comes twice, nothing comes never."""
    with receiving(slowly) as receiver:
        identity = subscribed(ledger, f"{receiver.url}/h")
        world = world_of(ledger)
        told: list[int] = []
        for kill in range(4):
            with serving(ledger.directory, world, f"{receiver.url}/") as served:
                told += record(served, 20, start_at=20 * kill)
                enough = len(told) - 15
                wait_for(lambda: len(set(indexes(receiver))) >= enough)  # noqa: B023 - waited for at once
                served.process.kill()
        with serving(ledger.directory, world, f"{receiver.url}/") as served:
            wait_for(lambda: seen(ledger, identity).delivered >= len(told) - 4 * deliveries.PARCEL_MAX)
            wait_for(lambda: set(indexes(receiver)) == set(told))
            wait_for(lambda: seen(ledger, identity).pending == 0)
            stop(served.process)
        twice = [index for index, count in Counter(indexes(receiver)).items() if count > 1]
        assert len(twice) <= 4 * deliveries.PARCEL_MAX


def test_two_servers_deliver_once_each_and_one_goes_on_for_the_other(database: Place) -> None:
    """On one machine and its file, or on one database."""
    world = World()
    with database.found(world) as ledger, receiving() as receiver:
        keep_log_key(database.directory)
        identity = subscribed(ledger, f"{receiver.url}/h")
        allow = f"{receiver.url}/"
        with serving(database.directory, world, allow) as one, serving(database.directory, world, allow) as two:
            told = record(one, 10) + record(two, 10, start_at=10)
            wait_for(lambda: len(indexes(receiver)) >= 20)
            time.sleep(2)
            assert indexes(receiver) == told
            wait_for(lambda: seen(ledger, identity).delivered == 20)
            one.process.kill()
            one.process.wait()
            told += record(two, 5, start_at=20)
            wait_for(lambda: indexes(receiver) == told)
            stop(two.process)


def test_a_dead_receiver_costs_a_cursor_and_no_storage(ledger: Ledger) -> None:
    identity = subscribed(ledger, "http://127.0.0.1:1/h")
    world = world_of(ledger)
    count = deliveries.PENDING_MAX + 50
    list(submit_all(ledger, [world.claim(counted_by=(f"meter:cursor-{at}",)) for at in range(count)]))
    while deliveries.spread(ledger):
        pass
    first = seen(ledger, identity)
    assert first.pending == deliveries.PENDING_MAX
    (parcel,) = deliveries.due(ledger, busy=())
    assert len(parcel.items) == deliveries.PARCEL_MAX
    assert deliveries.due(ledger, busy=[identity]) == []
    outcome = deliveries.Outcome(parcel.items[0].statement.index, 0, "timeout")
    deliveries.settle(ledger, identity, [outcome])
    assert deliveries.due(ledger, busy=()) == []  # nothing else is tried before that
    received = [deliveries.Outcome(one.statement.index, 0) for one in parcel.items]
    deliveries.settle(ledger, identity, received)
    deliveries.spread(ledger)
    after = seen(ledger, identity)
    assert (after.pending, after.delivered) == (deliveries.PENDING_MAX, deliveries.PARCEL_MAX)
    assert after.next_index == first.next_index + deliveries.PARCEL_MAX


def test_what_is_new_waits_for_a_receiver_that_cannot_be_reached_and_not_for_one_that_refused(ledger: Ledger) -> None:
    world = world_of(ledger)
    for problem, asked in (("status_503", 0), ("status_429", 0), ("timeout", 0), ("status_400", 1), ("status_302", 1)):
        identity = subscribed(ledger, f"http://127.0.0.1:1/{problem}")
        list(submit_all(ledger, [world.claim(counted_by=(f"meter:{problem}",))]))
        assert deliveries.spread(ledger)
        (parcel,) = deliveries.due(ledger, busy=())
        deliveries.settle(ledger, identity, [deliveries.Outcome(parcel.items[0].statement.index, 0, problem)])
        list(submit_all(ledger, [world.claim(counted_by=(f"meter:{problem}:again",))]))
        assert deliveries.spread(ledger)
        assert len(deliveries.due(ledger, busy=())) == asked, problem
        webhooks.remove(ledger, identity, owner=OWNER)


def test_twelve_attempts_take_about_a_day() -> None:
    for chance in (0, 500_000, 999_999):
        waits = [deliveries.retry_ms(attempt, chance_ppm=chance) for attempt in range(deliveries.ATTEMPTS_MAX - 1)]
        assert waits == sorted(waits)
        assert 16 * 3_600_000 < sum(waits) < 30 * 3_600_000
