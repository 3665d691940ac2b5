"""A lying server is refused, each lie under its own code, and nothing is ever said to be recorded.

Between the client and a real ledger stands a server that alters one thing at a time. Where it helps the lie, it
holds the log's own key.

Covers THREATS R6, R11, R12, P08.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.cli.output import fail
from api.client import Client
from api.proving import PinsFile
from keys.trust import write_trust
from ledger.core.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.core.hashing import leaf_hash
from ledger.core.note import Vkey
from ledger.core.receipt import parse_receipt
from ledger.errors import Forked, LedgerError, Unproven
from tests.cast import key_of, sign_with
from tests.http.commands import invoke
from tests.http.conftest import found_with_keys, start
from tests.http.homes import trust_of
from tests.http.liar import Liar, Lie, Said, listening, truth
from tests.http.test_statements import TYPE
from tests.world import ORIGIN, World

STATEMENTS = "/v1/statements"


@dataclass
class Stage:
    """A real ledger with a liar before it, and a second real ledger that began alike and went another way."""

    url: str
    liar: Liar
    world: World
    other: str
    count: int = 0

    def claim(self) -> bytes:
        """A claim that nobody made yet."""
        self.count += 1
        return self.world.claim(counted_by=(f"meter:stage-{self.count}",))

    def post(self, statement: bytes, url: str | None = None) -> dict[str, Any]:
        """Record a statement without any client."""
        address = (url or self.liar.upstream) + STATEMENTS
        body: dict[str, Any] = self.liar.client.post(address, content=statement, headers=TYPE).json()
        return body


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    world = found_with_keys(folder / "one")
    shutil.copytree(folder / "one", folder / "two")
    servers = [start(folder / name) for name in ("one", "two")]
    liar = Liar(servers[0][1])
    try:
        with listening(liar) as url:
            yield Stage(url, liar, world, servers[1][1])
    finally:
        for process, _ in servers:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


@pytest.fixture
def client(stage: Stage, tmp_path: Path) -> Iterator[Client]:
    """A client that has seen the log once."""
    trust = trust_of(stage.world)
    with Client(stage.url, trust=trust, memory=PinsFile(tmp_path / "pins.json", trust)) as made:
        made.submit(stage.claim())
        yield made
    stage.liar.lie = truth


def on(path: str, change: Any, method: str = "GET") -> Lie:
    """A lie about the answers of one address."""
    return lambda said: change(said) if (said.method, said.path) == (method, path) else said


def to_submit(**members: Any) -> Lie:
    """A lie about members of what is said of a recorded statement."""

    def lie(said: Said) -> Said:
        real = json.loads(said.body)
        found = {name: make(real) if callable(make) else make for name, make in members.items()}
        return said.changed(**found)

    return on(STATEMENTS, lie, "POST")


def resigned(
    receipt: str, *, name: str = ORIGIN, origin: str = ORIGIN, key: str = "log", root: bytes | None = None
) -> str:
    """The receipt under a checkpoint that says something else, signed by some key."""
    read = parse_receipt(receipt.encode())
    real = open_checkpoint(read.checkpoint, log=Vkey.make(ORIGIN, bytes(key_of("log").verify_key)), origin=ORIGIN)
    vkey = Vkey.make(name, bytes(key_of(key).verify_key))
    made = sign_checkpoint(Checkpoint(origin, real.size, root or real.root), vkey=vkey, sign=sign_with(key))
    return type(read)(read.index, read.path, made).encode().decode()


def cut(receipt: str) -> str:
    """The receipt without the last hash of its path."""
    read = parse_receipt(receipt.encode())
    return type(read)(read.index, read.path[:-1], read.checkpoint).encode().decode()


def flipped(said: Said) -> Said:
    """One bit of a body is another."""
    at = len(said.body) // 2
    return said._replace(body=said.body[:at] + bytes([said.body[at] ^ 1]) + said.body[at + 1 :])


LIES: dict[str, tuple[Lie, str]] = {
    "index too high": (to_submit(index=lambda said: said["index"] + 1), "no_entry"),
    "index too low": (to_submit(index=lambda said: said["index"] - 1), "bad_proof"),
    "index negative": (to_submit(index=-1), "no_entry"),
    "index no number": (to_submit(index="12"), "bad_answer"),
    "size beyond the checkpoint": (to_submit(size=lambda said: said["size"] + 1), "receipt_differs"),
    "size below the entry": (to_submit(size=lambda said: said["index"]), "receipt_differs"),
    "another hash": (to_submit(entry_hash="0" * 64), "receipt_differs"),
    "no receipt": (to_submit(receipt=""), "bad_receipt"),
    "half a receipt": (to_submit(receipt=lambda said: said["receipt"][:60]), "bad_receipt"),
    "a shorter path": (to_submit(receipt=lambda said: cut(said["receipt"])), "bad_path"),
    "a stranger's key": (
        to_submit(receipt=lambda said: resigned(said["receipt"], key="stranger")),
        "unsigned_note",
    ),
    "the key of another log": (
        to_submit(receipt=lambda said: resigned(said["receipt"], name="other/log", origin="other/log")),
        "unsigned_note",
    ),
    "another log under this key": (
        to_submit(receipt=lambda said: resigned(said["receipt"], origin="other/log")),
        "other_origin",
    ),
    "a root that was never the log's": (
        to_submit(receipt=lambda said: resigned(said["receipt"], root=bytes(32))),
        "bad_proof",
    ),
    "control characters": (to_submit(entry_hash="\x1b[2K recorded"), "bad_answer"),
    "no JSON": (on(STATEMENTS, lambda said: said._replace(body=b"recorded"), "POST"), "bad_answer"),
    "nothing": (on(STATEMENTS, lambda said: said._replace(body=b""), "POST"), "bad_answer"),
    "elsewhere": (
        on(STATEMENTS, lambda said: said._replace(status=307, headers={"location": "/v1/statements"}), "POST"),
        "bad_answer",
    ),
    "coded": (
        on(STATEMENTS, lambda said: said._replace(headers={"content-encoding": "gzip"}), "POST"),
        "bad_answer",
    ),
    "a code of tomorrow": (
        on(
            STATEMENTS,
            lambda said: said._replace(
                status=422, headers={"content-type": "application/problem+json"}, body=b'{"code":"of_tomorrow"}'
            ),
            "POST",
        ),
        "of_tomorrow",
    ),
    "other entry bytes": (
        lambda said: flipped(said) if said.path.startswith("/v1/entries/") else said,
        "bad_proof",
    ),
    "other tiles": (lambda said: flipped(said) if said.path.startswith("/log/tile/") else said, "tile_differs"),
    "tiles cut short": (
        lambda said: said._replace(body=said.body[:-1]) if said.path.startswith("/log/tile/") else said,
        "bad_tile",
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused_under_its_code(stage: Stage, client: Client, tmp_path: Path, name: str) -> None:
    """By the client and by the command, which prints nothing and keeps no receipt; the truth is then still believed."""
    stage.liar.lie, code = LIES[name]
    statement = stage.claim()
    with pytest.raises(LedgerError) as caught:
        client.submit(statement)
    assert caught.value.code == code
    home = tmp_path / "home"
    home.mkdir()
    write_trust(home / "trust.json", trust_of(stage.world))
    shutil.copy(tmp_path / "pins.json", home / "pins.json")
    (tmp_path / "one.jws").write_bytes(statement)
    words = ("submit", tmp_path / "one.jws", "--receipt", home / "kept", "--data", home, "--server", stage.url)
    done = invoke(*words)
    assert (done.out, done.code) == ("", code)
    assert done.exit_code != 0
    assert not (home / "kept.tlog-proof").exists()
    stage.liar.lie = truth
    assert client.submit(statement).new is False  # it had been recorded all along


def test_only_the_right_proof_passes_for_each_entry(stage: Stage, client: Client) -> None:
    """Five entries and their receipts in all pairs: the five that belong together pass (R11)."""
    statements = [stage.claim() for _ in range(5)]
    said = [stage.post(statement) for statement in statements]
    newest = [client.entry(one["index"]).receipt.encode().decode() for one in said]
    for (at, statement), (by, receipt) in product(enumerate(statements), enumerate(newest)):
        for members in ({"receipt": receipt}, {"receipt": receipt, "index": said[by]["index"]}):
            stage.liar.lie = to_submit(**members)
            if at == by:
                assert client.submit(statement).index == said[at]["index"]
                continue
            with pytest.raises(Unproven) as caught:
                client.submit(statement)
            assert caught.value.code == ("other_statement" if "index" in members else "bad_proof")


def test_what_was_there_before_cannot_be_new(stage: Stage, client: Client) -> None:
    statement = stage.claim()
    assert client.submit(statement).new
    stage.liar.lie = to_submit(new=True)
    with pytest.raises(Unproven) as caught:
        client.submit(statement)
    assert caught.value.code == "receipt_differs"


def test_an_older_checkpoint_is_a_rollback(stage: Stage, client: Client) -> None:
    """A true receipt, of before what this client saw; both checkpoints are the evidence."""
    statement = stage.claim()
    older = stage.post(statement)["receipt"]
    client.submit(stage.claim())
    assert client.prover.seen is not None
    seen = client.prover.seen.raw
    stage.liar.lie = to_submit(receipt=older)
    with pytest.raises(Forked) as caught:
        client.submit(statement)
    assert caught.value.code == "rolled_back"
    assert caught.value.facts["seen"] == seen.decode()
    assert str(caught.value.facts["shown"]) in older
    stage.liar.lie = on("/log/checkpoint", lambda said: said._replace(body=parse_receipt(older.encode()).checkpoint))
    with pytest.raises(Forked) as again:
        client.head()
    assert again.value.code == "rolled_back"


@pytest.mark.parametrize("longer", [0, 1, 5], ids=["same-size", "one-more", "five-more"])
def test_another_history_is_a_fork(stage: Stage, client: Client, tmp_path: Path, longer: int) -> None:
    """The second ledger has the same founding, the same key, a history that is whole, and other statements."""
    first, other = stage.liar.upstream, stage.other
    size = client.head().size
    while stage.liar.client.get(f"{other}/readyz").json()["size"] < size + longer - 1:
        stage.post(stage.claim(), other)
    statement = stage.claim()
    grown = stage.post(statement, other)["size"]
    assert grown >= size + longer
    while client.head().size < grown - longer:
        client.submit(stage.claim())
    try:
        stage.liar.upstream = other
        with pytest.raises(Forked) as caught:
            client.submit(statement)
        assert caught.value.code == "forked"
        assert invoke("show", "--data", tmp_path, "--server", stage.url).code == "no_trust_file"
    finally:
        stage.liar.upstream = first
    for name in ("seen", "shown"):
        # Anybody can check the evidence with the log's key alone.
        raw = str(caught.value.facts[name]).encode()
        open_checkpoint(raw, log=stage.world.log_vkey, origin=ORIGIN)
    assert client.submit(stage.claim()).new


def test_another_log_under_the_same_key_is_told_by_its_first_entry(stage: Stage) -> None:
    trust = trust_of(stage.world)
    strange = msgspec.structs.replace(trust, genesis="0" * 64)
    before = len(stage.liar.asked)
    with Client(stage.url, trust=strange) as client, pytest.raises(Unproven) as caught:
        client.submit(stage.claim())
    assert caught.value.code == "other_genesis"
    assert ("POST", STATEMENTS) not in stage.liar.asked[before:]  # not even sent


def test_the_evidence_of_a_fork_is_printed(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fail(Forked("forked", "two histories", seen="a note\nof three\nlines\n", shown="another\n"))
    assert "a note\nof three\nlines" in capsys.readouterr().err


def test_an_entry_and_its_hash_are_what_is_kept(stage: Stage, client: Client) -> None:
    """What a true answer gives: a proof that stands alone."""
    statement = stage.claim()
    recorded = client.submit(statement)
    assert recorded.proof.entry.count(statement) == 1
    assert stage.liar.client.get(f"{stage.liar.upstream}/v1/entries/{recorded.index}").content == recorded.proof.entry
    assert len(leaf_hash(recorded.proof.entry)) == 32
    assert recorded.size == recorded.index + 1
