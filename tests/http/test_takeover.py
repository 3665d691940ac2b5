"""Two machines on one PostgreSQL: whichever dies in the middle of writing, the other goes on, and nothing is lost.

Each machine is a process of `gigaton serve` with a data directory, a signer's memory and a port of its own.
Covers THREATS R27, H16, H19, X01, X05, X15.
"""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ledger.core.entry import decode_entry
from ledger.core.receipt import check_receipt, parse_receipt
from ledger.sequencer.signer_state import SignerState
from ledger.store.fsck import fsck
from tests.http.conftest import keep_log_key
from tests.http.nursery import Machine, Nursery
from tests.ledgers import require_whole
from tests.store.databases import Place
from tests.store.servers import free_port, shared
from tests.world import ORIGIN, World

KILLS = 50
CLIENTS = 4
CONTINUES_WITHIN_S = 10
JWS = {"Content-Type": "application/vc+jwt"}


class Load:
    """Clients that record claims at either machine, and send each again until somebody acknowledges it."""

    def __init__(self, world: World, machines: list[Machine]) -> None:
        self.machines = machines
        self.acknowledged: list[tuple[int, bytes, str]] = []
        self.last: dict[int, float] = {}
        self.latest = machines[0]
        self.unforeseen: list[str] = []
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(world.ledger, at)) for at in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let each client end with its present claim acknowledged."""
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _run(self, ledger: str, number: int) -> None:
        world, chance = World(), random.Random(number)
        world.ledger, world._count = ledger, (number + 1) * 1_000_000
        with httpx.Client(timeout=20, trust_env=False) as client:
            while not self._end.is_set():
                world_count = world._count
                self._record(client, chance, world.claim(counted_by=(f"meter:{world_count}",)))

    def _record(self, client: httpx.Client, chance: random.Random, statement: bytes) -> None:
        while True:
            machine = chance.choice(self.machines)
            try:
                answer = client.post(f"{machine.url}/v1/statements", content=statement, headers=JWS)
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if answer.status_code in (200, 201):
                body = answer.json()
                self.acknowledged.append((body["index"], statement, body["receipt"]))
                self.last[machine.port] = time.monotonic()
                self.latest = machine
                return
            if answer.status_code != 503:
                self.unforeseen.append(f"{answer.status_code}: {answer.text}")
                return
            time.sleep(0.02)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "a", server=shared(), name=shared().create())


@pytest.fixture
def nursery(place: Place) -> Iterator[Nursery]:
    place.found(World()).close()
    keep_log_key(place.directory)
    one = Nursery(place.directory)
    yield one
    one.close()


@pytest.fixture
def machines(place: Place, nursery: Nursery, tmp_path: Path) -> list[Machine]:
    """Two machines that serve."""
    shutil.copytree(place.directory, tmp_path / "b")
    two = [Machine(nursery, directory, free_port()) for directory in (place.directory, tmp_path / "b")]
    for one in two:
        one.start()
    for one in two:
        one.wait()
    return two


def require_acknowledged_since(load: Load, machine: Machine, since: float) -> None:
    """The machine acknowledges something new within the time that is promised."""
    while load.last.get(machine.port, 0.0) <= since:
        assert time.monotonic() - since < CONTINUES_WITHIN_S, machine.said()[-2_000:]
        time.sleep(0.005)


def test_the_writing_machine_is_killed_fifty_times(place: Place, machines: list[Machine]) -> None:
    world, chance = World(), random.Random(20261125)
    world.founding()
    load = Load(world, machines)
    try:
        for _ in range(KILLS):
            time.sleep(chance.random() / 10)
            victim = load.latest
            other = machines[victim is machines[0]]
            victim.kill()
            killed = time.monotonic()
            require_acknowledged_since(load, other, killed)
            victim.start()
            victim.wait()
    finally:
        load.stop()
    assert load.unforeseen == []
    with place.opened() as ledger:
        entries = require_whole(ledger)
        assert fsck(ledger.engine) == []
    recorded = [decode_entry(raw).statement for raw in entries]
    assert len(set(recorded)) == len(recorded)
    for index, statement, receipt in load.acknowledged:
        assert recorded[index] == statement
        check_receipt(parse_receipt(receipt.encode()), entry=entries[index], log=world.log_vkey, origin=ORIGIN)
    assert len({statement for _, statement, _ in load.acknowledged}) == len(load.acknowledged) > 3 * KILLS
    for machine in machines:
        assert SignerState(machine.directory, origin=ORIGIN).read().size <= len(entries)
