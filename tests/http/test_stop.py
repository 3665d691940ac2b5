"""Ending under load: what was begun is answered, what comes later is refused, nothing is half done.

Covers THREATS X18, H19.
"""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.http.conftest import Served, found_with_keys, start, wait_for, wait_until_ready
from tests.http.test_metrics import children
from tests.http.test_statements import TYPE, post, size
from tests.http.wires import HEAD, connect, receive
from tests.ledgers import reopen, require_whole

CLIENTS = 16


class Load:
    """Clients that submit claims until they are told that the server is gone; every answer is kept."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.claims = [served.world.claim(counted_by=(f"meter:stop-{number}",)) for number in range(3_000)]
        self.recorded: dict[bytes, int] = {}
        self.others: list[int] = []
        self.threads = [threading.Thread(target=self.submit, args=(at,)) for at in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def submit(self, at: int) -> None:
        with self.served.client() as client:
            for claim in self.claims[at::CLIENTS]:
                try:
                    answer = client.post("/v1/statements", content=claim, headers=TYPE)
                except httpx.TransportError:
                    return
                if answer.status_code == 201:
                    self.recorded[claim] = answer.json()["index"]
                else:
                    self.others.append(answer.status_code)

    def join(self) -> None:
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()


@contextmanager
def serving(directory: Path, *options: str, **environment: str) -> Iterator[Served]:
    world = found_with_keys(directory)
    process, url = start(directory, *options, **environment)
    try:
        yield Served(url, directory, world, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=30)


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_begun_is_answered_and_nothing_is_half_done(tmp_path: Path, workers: int) -> None:
    with serving(tmp_path / "log", "--workers", str(workers)) as served:
        wait_until_ready(served)
        before, load = size(served), Load(served)
        wait_for(lambda: len(load.recorded) > 50)
        served.process.send_signal(signal.SIGTERM)
        served.process.communicate(timeout=60)
        assert served.process.returncode == 0
        load.join()
        served.listener.join(10)
    assert load.others == []
    with reopen(served.directory) as ledger:
        entries = require_whole(ledger)
    # Each acknowledged claim stands where its receipt said, and none more than were under way is there without one.
    for claim, index in load.recorded.items():
        assert claim in entries[index]
    assert len(load.recorded) <= len(entries) - before <= len(load.recorded) + CLIENTS
    assert len(load.recorded) > 50
    events = [json.loads(line)["event"] for line in served.said.read_text().splitlines()]
    assert events[-1] == "stopped"
    assert "stopping" in events
    assert "log" not in events


def test_a_body_under_way_is_waited_for_and_new_connections_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as served:
        claim = served.world.claim(counted_by=("meter:under-way",))
        with connect(served) as wire:
            wire.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(claim) + claim[:100])
            time.sleep(0.5)
            served.process.send_signal(signal.SIGTERM)
            wait_for(lambda: refused(served), seconds=5)
            wire.sendall(claim[100:])
            answer = receive(wire)
            assert answer is not None
            assert answer.status == 201
            assert wire.recv(1) == b""
        assert served.process.wait(10) == 0


def refused(served: Served) -> bool:
    try:
        connect(served).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_a_second_time_it_ends_at_once(tmp_path: Path, workers: int, number: signal.Signals) -> None:
    """A request that never comes whole would hold the first stop up for the time of grace."""
    with serving(tmp_path / "log", "--workers", str(workers), TMPDIR=str(tmp_path)) as served:
        wait_until_ready(served)
        serving_processes = children(served.process.pid) if workers > 1 else []
        with connect(served) as wire:
            wire.sendall(HEAD + b"Content-Length: 100\r\n\r\nx")
            time.sleep(0.5)
            served.process.send_signal(number)
            wait_for(lambda: "stopping" in served.said.read_text(), seconds=5)
            begun = time.monotonic()
            served.process.send_signal(number)
            assert served.process.wait(10) == -number
            assert time.monotonic() - begun < 5
        wait_for(lambda: not any(alive(one) for one in serving_processes))
        assert not list(tmp_path.glob("gigaton-metrics-*"))


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_processes_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--workers", "2") as served:
        wait_until_ready(served)
        wait_for(lambda: len(children(served.process.pid)) == 2)
        orphans = children(served.process.pid)
        served.process.kill()
        served.process.communicate(timeout=30)
        wait_for(lambda: not any(alive(one) for one in orphans))
        assert refused(served)


def test_whoever_leaves_in_the_middle_gets_the_receipt_at_the_next_try(tmp_path: Path) -> None:
    """At every moment of the request; each claim is recorded once, whenever its first client left."""
    with serving(tmp_path / "log") as served:
        for number in range(12):
            claim = served.world.claim(counted_by=(f"meter:left-{number}",))
            raw = HEAD + b"Content-Length: %d\r\n\r\n" % len(claim) + claim
            with connect(served) as wire:
                wire.sendall(raw[: len(raw) - (number % 3) * 50])
                time.sleep(0.002 * number)
                # An abortive close: the server learns of it at once.
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
            again = post(served, claim)
            assert again.status_code in (200, 201)
            assert (again.status_code == 201) == again.json()["new"]
            with served.client() as client:
                assert claim in client.get(again.headers["Location"]).content
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(30) == 0
        served.listener.join(10)
    with reopen(served.directory) as ledger:
        entries = require_whole(ledger)
    assert len({json.loads(raw)["statement"] for raw in entries}) == len(entries)
    lines = [json.loads(line) for line in served.said.read_text().splitlines()]
    assert {line["level"] for line in lines} == {"info"}
    assert 499 in {line.get("status") for line in lines}
