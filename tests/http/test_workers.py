"""Several processes serve one ledger: whichever takes a request, the log is one; none outlives the one that started it.

Covers THREATS D08, R20, R24, X01.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from ledger.core.receipt import check_receipt, parse_receipt
from tests.http.conftest import Served, found_with_keys, start
from tests.http.test_statements import TYPE
from tests.ledgers import reopen, require_whole
from tests.world import ORIGIN

WORKERS = 2
WAIT_S_MAX = 30


def children(pid: int) -> set[int]:
    """The processes that a process started and that live."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:  # it ended meanwhile
                continue
            if int(parent) == pid and state != "Z":
                found.add(int(folder.name))
    return found


def serving(pid: int) -> set[int]:
    """The processes under a server that serve; the other one is multiprocessing's own watch over its resources."""
    return {one for one in children(pid) if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Served]:
    """A ledger served by two processes under a third, both of which serve by now."""
    world = found_with_keys(tmp_path / "log")
    process, url = start(tmp_path / "log", "--workers", str(WORKERS))
    served = Served(url, tmp_path / "log", world, process)
    try:
        wait_for(lambda: len(serving(process.pid)) == WORKERS and ready(served))
        yield served
    finally:
        process.kill()
        process.communicate(timeout=30)


def ready(served: Served) -> bool:
    try:
        with served.client() as client:
            return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def wait_for(what: object) -> None:
    assert callable(what)
    end = time.monotonic() + WAIT_S_MAX
    while not what():
        assert time.monotonic() < end, "it does not come to pass"
        time.sleep(0.05)


def test_two_processes_record_in_one_sequence(two: Served) -> None:
    """The same statement at either door is one entry, overlapping ones exclude each other, and the log is whole."""
    world, threads = two.world, 16
    same = world.claim(counted_by=("meter:same",))
    over = [world.claim(counted_by=("meter:over",)) for _ in range(threads)]
    own = [world.claim(counted_by=(f"meter:{number}",)) for number in range(64)]

    def post(statement: bytes) -> httpx.Response:
        with two.client() as client:  # a connection of its own: either process may take it
            return client.post("/v1/statements", content=statement, headers=TYPE)

    with ThreadPoolExecutor(threads) as pool:
        equal = list(pool.map(post, [same] * threads))
        exclusive = list(pool.map(post, over))
        distinct = list(pool.map(post, own))
    assert sorted(one.status_code for one in equal) == [200] * (threads - 1) + [201]
    assert len({one.json()["index"] for one in equal}) == 1
    assert sorted(one.status_code for one in exclusive) == [201] + [409] * (threads - 1)
    assert {one.status_code for one in distinct} == {201}
    with reopen(two.directory) as ledger:
        entries = require_whole(ledger)
    for one in (*equal, *distinct):
        receipt = parse_receipt(one.json()["receipt"].encode())
        check_receipt(receipt, entry=entries[one.json()["index"]], log=world.log_vkey, origin=ORIGIN)


def test_no_process_outlives_a_killed_server(two: Served) -> None:
    """Also not those that check signatures for one of them."""
    with two.client() as client:
        body = b"".join(b'"%s"\n' % two.world.claim(counted_by=(f"meter:{number}",)) for number in range(520))
        client.post("/v1/statements:batch", content=body, headers={"Content-Type": "application/x-ndjson"})
    family = children(two.process.pid)
    for _ in range(3):
        family |= {child for one in set(family) for child in children(one)}
    assert len(family) > WORKERS + 1
    os.kill(two.process.pid, signal.SIGKILL)
    wait_for(lambda: not any(map(alive, family)))
    with pytest.raises(httpx.TransportError), two.client() as client:
        client.get("/healthz")


def test_a_killed_process_is_replaced_and_what_it_acknowledged_stands(two: Served) -> None:
    with two.client() as client:
        kept = client.post("/v1/statements", content=two.world.claim(counted_by=("meter:a",)), headers=TYPE).json()
    before = serving(two.process.pid)
    for one in before:
        os.kill(one, signal.SIGKILL)
    wait_for(lambda: len(serving(two.process.pid) - before) == WORKERS and ready(two))
    with two.client() as client:
        entry = client.get(f"/v1/entries/{kept['index']}").content
        after = client.post("/v1/statements", content=two.world.claim(counted_by=("meter:b",)), headers=TYPE)
    check_receipt(parse_receipt(kept["receipt"].encode()), entry=entry, log=two.world.log_vkey, origin=ORIGIN)
    assert (after.status_code, after.json()["index"]) == (201, kept["index"] + 1)
