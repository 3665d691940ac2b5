"""The live log over HTTP, followed by Go's own sumdb packages while statements are recorded all the time.

The same judge catches one altered byte, a checkpoint of before, and a second history under the log's own key; and
behind a cache that ignores query strings, client and judge agree or refuse, and believe nothing false.

Covers THREATS R6, L04; C2SP tlog-tiles (TLOG-SPEC 6).
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.bulk import Imported
from api.client import Client
from ledger.errors import Forked, LedgerError
from ledger.sequencer.writer import Recorded
from ledger.service.submit import submit_all
from tests.http.conftest import found_with_keys, start
from tests.http.homes import trust_of
from tests.http.liar import Cache, Liar, Said, listening, truth
from tests.ledgers import reopen
from tests.world import World

BASE = 200  # recorded before anybody looks
SIZE = BASE + 420  # past the borders of two tiles
ROUNDS, PAUSE_MS = 12, 50
BATCH = 12


@dataclass
class Live:
    """A ledger that is served, and its world."""

    url: str
    directory: Path
    world: World
    count: int = 0

    def claims(self, count: int) -> list[bytes]:
        """Claims that nobody made yet."""
        self.count += count
        return [
            self.world.claim(counted_by=(f"meter:live-{number}",)) for number in range(self.count - count, self.count)
        ]

    @contextmanager
    def writing(self) -> Iterator[list[int]]:
        """Two who record all the time, one in batches and one by one; gives the indexes of what they recorded."""
        stop, indexes, wrong = threading.Event(), list[int](), list[BaseException]()

        def batches(client: Client) -> None:
            found = list(client.submit_all(self.claims(BATCH)))
            indexes.extend(one.index for one in found if isinstance(one, Imported))

        def singles(client: Client) -> None:
            indexes.append(client.submit(self.claims(1)[0]).index)

        def write(act: Any) -> None:
            try:
                with Client(self.url, trust=trust_of(self.world)) as client:
                    while not stop.wait(0.04):
                        act(client)
            except BaseException as error:  # noqa: BLE001 - told where the writing ends
                wrong.append(error)

        threads = [threading.Thread(target=write, args=(act,)) for act in (batches, singles)]
        for thread in threads:
            thread.start()
        try:
            yield indexes
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert wrong == []


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Live]]:
    """Two ledgers that began alike, under the same keys."""
    folder = tmp_path_factory.mktemp("live")
    world = found_with_keys(folder / "one")
    with reopen(folder / "one") as ledger:
        base = [world.claim(counted_by=(f"meter:base-{number}",)) for number in range(BASE)]
        assert all(isinstance(one, Recorded) for one in submit_all(ledger, base))
    shutil.copytree(folder / "one", folder / "two")
    servers = [start(folder / name) for name in ("one", "two")]
    try:
        yield (
            Live(servers[0][1], folder / "one", world),
            Live(servers[1][1], folder / "two", world, count=1_000_000),
        )
    finally:
        for process, _ in servers:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


@pytest.fixture
def live(lives: tuple[Live, Live]) -> Live:
    return lives[0]


def follow(judge: Path, url: str, live: Live, *, rounds: int = 3, size: int = 0) -> str:
    """The last line of the judge."""
    words = [judge, "-follow", f"{url}/log", live.world.log_vkey, rounds, PAUSE_MS, size]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False, timeout=120)
    last = done.stdout.splitlines()[-1]
    assert (done.returncode == 0) == last.startswith("ACCEPTED"), done.stdout + done.stderr
    return last


def test_a_rollback_and_a_second_history_are_noticed(judge: Path, lives: tuple[Live, Live]) -> None:
    """By the judge and by the client: an older checkpoint, another one of the same size, and a longer one."""
    live, other = lives
    trust = trust_of(live.world)
    liar = Liar(live.url)
    with listening(liar) as url, Client(url, trust=trust) as client, Client(other.url, trust=trust) as writer:
        older = liar.client.get(f"{live.url}/log/checkpoint").content
        list(client.submit_all(live.claims(5)))
        shown: list[bytes] = []

        def roll_back(said: Said) -> Said:
            if said.path != "/log/checkpoint":
                return said
            shown.append(said.body)
            return said if len(shown) == 1 else said._replace(body=older)

        liar.lie = roll_back
        assert follow(judge, url, live).startswith("REFUSED rolled back")
        with pytest.raises(Forked) as caught:
            client.head()
        assert caught.value.code == "rolled_back"

        liar.lie = truth
        size = client.head().size
        for longer in (0, 1, 40):
            list(writer.submit_all(other.claims(size + longer - writer.head().size)))
            shown.clear()

            def fork(said: Said) -> Said:
                if said.path == "/log/checkpoint":
                    shown.append(said.body)
                if len(shown) < 2:
                    return said
                real = liar.client.get(other.url + said.path)
                return said._replace(status=real.status_code, body=real.content)

            liar.lie = fork
            assert follow(judge, url, live).startswith("REFUSED")
            with pytest.raises(Forked) as caught:
                client.head()
            assert caught.value.code == "forked"
            liar.lie = truth


def test_go_accepts_the_live_log_while_it_grows(judge: Path, live: Live) -> None:
    with live.writing() as indexes:
        said = follow(judge, live.url, live, rounds=ROUNDS, size=SIZE)
        recorded = len(indexes)
    assert said.startswith("ACCEPTED size ")
    _, _, size, _, grown, *_ = said.replace(",", "").split()
    assert int(size) >= SIZE
    assert int(grown) >= ROUNDS // 2  # nearly each time it looked, there was more
    assert recorded >= SIZE - BASE - 20
    assert sorted(indexes) == sorted(set(indexes))


def flip(said: Said, at: int) -> Said:
    """One bit of a body is another."""
    at %= len(said.body)
    return said._replace(body=said.body[:at] + bytes([said.body[at] ^ 1]) + said.body[at + 1 :])


TOUCHED = {
    "the size": ("/log/checkpoint", 20),
    "the root": ("/log/checkpoint", 30),
    "the signature": ("/log/checkpoint", -10),
    "an entry": ("/log/tile/entries/", 100),
    "the last entry": ("/log/tile/entries/", -3),
    "a hash": ("/log/tile/0/", 40),
    "the last hash": ("/log/tile/0/", -1),
    "a hash above": ("/log/tile/1/", 5),
}


def test_one_bit_is_noticed(judge: Path, live: Live) -> None:
    liar = Liar(live.url)
    with listening(liar) as url:
        for what, (path, at) in TOUCHED.items():
            liar.lie = lambda said, path=path, at=at: flip(said, at) if said.path.startswith(path) else said  # type: ignore[misc]
            assert follow(judge, url, live, rounds=1).startswith("REFUSED"), what
        liar.lie = truth
        assert follow(judge, url, live, rounds=1).startswith("ACCEPTED")


def test_behind_a_cache_that_ignores_queries_all_agree(judge: Path, live: Live) -> None:
    """It keeps what may be kept: tiles and entries for ever, the checkpoint never, lists while they hold."""
    cache = Cache(live.url)
    with listening(cache) as url, Client(url, trust=trust_of(live.world)) as client, live.writing():
        first = follow(judge, url, live, rounds=4, size=520)
        again = follow(judge, url, live, rounds=4)
        assert (first[:8], again[:8]) == ("ACCEPTED", "ACCEPTED")
        for _ in range(3):
            recorded = client.submit(live.claims(1)[0])
            assert client.entry(recorded.index).entry == recorded.proof.entry
            assert client.head().size > recorded.index
        indexes = [one.index for one in client.find("claims")]
        assert indexes == sorted(set(indexes))
        assert len(indexes) > 500  # more than one page: their addresses differ in the query alone
        assert recorded.index in indexes
    assert cache.hits > 0


def test_behind_a_careless_cache_nothing_false_is_believed(judge: Path, live: Live) -> None:
    """It keeps everything, whatever it is told: what is old is refused, what is new is proven."""
    cache = Cache(live.url, careless=True)
    with listening(cache) as url, Client(url, trust=trust_of(live.world)) as client:
        assert follow(judge, url, live).startswith("ACCEPTED")
        stale = client.head().size
        recorded = client.submit(live.claims(1)[0])
        assert (recorded.new, recorded.size > stale) == (True, True)
        with pytest.raises(Forked) as caught:
            client.head()
        assert caught.value.code == "rolled_back"
        before = client.entry(recorded.index)
        client.submit(live.claims(1)[0])
        with pytest.raises(Forked):
            client.entry(before.index)
        with pytest.raises(LedgerError) as pages:
            list(client.find("claims"))
        assert pages.value.code == "bad_answer"
        assert follow(judge, url, live).startswith("ACCEPTED")  # of the old tree, which is a true one
