"""Every command says the same with `--server` as at the ledger itself, and needs no database for it.

Two ledgers are founded alike, one in a directory and one behind a real server, and live through the same commands.

Source: DESIGN 7. Covers THREATS R12.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import pytest

from api import keyrings
from api.reading import LISTS
from ledger.domain.statements.claim import Claim
from ledger.service import asking
from ledger.service.submit import submit
from tests.http.commands import Done, invoke, invoke_alone
from tests.http.conftest import found_with_keys, start
from tests.http.homes import keep_keys, make_home
from tests.ledgers import reopen
from tests.world import World

CHANCE = re.compile(r"urn:uuid:[0-9a-f-]{36}|\b[0-9a-f]{64}\b")
CLAIMANT = "carrier:claimant"
SIGNING = ("--key", "verifier:verifier", "--review-key", "verifier:review")


@dataclass
class Twins:
    """The same ledger twice: in `local`, and in `served` behind `url`, with a participant's `home`."""

    local: Path
    served: Path
    home: Path
    url: str
    world: World

    def both(self, *words: object, exit_code: int = 0) -> str:
        """What a command prints by either door, which must be the same."""
        here, there = invoke(*words, "--data", self.local), self.remote(*words)
        assert mask(here) == mask(there)
        assert here.exit_code == exit_code, here
        return here.out

    def remote(self, *words: object) -> Done:
        """A command of the participant's."""
        return invoke(*words, "--data", self.home, "--server", self.url)


def mask(done: Done) -> Done:
    """Without what chance and the time of day decide: ids of new statements, and hashes of entries."""
    return done._replace(out=CHANCE.sub("*", done.out), err=CHANCE.sub("*", done.err))


@pytest.fixture(scope="module", autouse=True)
def opened_once() -> Iterator[None]:
    """A key file takes a second to open, on purpose; here each one is opened once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keyrings, "read_ring", cache(keyrings.read_ring))
        yield


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    folder = tmp_path_factory.mktemp("twins")
    local, served = folder / "local", folder / "served"
    world = found_with_keys(served)
    with reopen(served) as ledger:
        submit(ledger, world.claim(counted_by=("meter:before",)))
    shutil.copytree(served, local)
    keep_keys(local, world)
    process, url = start(served)
    try:
        yield Twins(local, served, make_home(folder / "home", world), url, world)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def draft_of(subject: Claim) -> bytes:
    """What a claimant writes: everything but the figures."""
    body = msgspec.to_builtins(subject)
    del body["quantification"]
    return msgspec.json.encode(body)


def test_what_is_written_says_the_same(twins: Twins, tmp_path: Path) -> None:
    """In the order of a claim's life; each command is run once at each ledger."""
    world = twins.world
    (tmp_path / "draft.json").write_bytes(draft_of(world.claim_subject(counted_by=("meter:draft",))))
    claimed = json.loads(twins.both("claim", tmp_path / "draft.json", "--key", CLAIMANT, "--json"))
    assert claimed["index"] == claimed["size"] - 1

    (tmp_path / "one.jws").write_bytes(world.claim(counted_by=("meter:one",)))
    assert json.loads(twins.both("submit", tmp_path / "one.jws", "--json"))["new"] is True
    assert "recorded before" in twins.both("submit", tmp_path / "one.jws")

    attest = ("attest", claimed["index"], "--opinion", "unmodified", "--verified", "499000.000", *SIGNING)
    attested = json.loads(twins.both(*attest, "--json"))
    assert attested["recomputed"] == "499000.000"
    correct = ("correct", "revoke", attested["index"], "--reason", "Too early", "--key", "verifier:verifier")
    assert twins.both(*correct) == f"entry {attested['index'] + 1}\n"


def test_each_line_of_an_import_says_the_same(twins: Twins, tmp_path: Path) -> None:
    lines = [twins.world.claim(counted_by=(f"meter:many-{number}",)) for number in range(20)]
    overlapping = twins.world.claim(counted_by=("meter:many-0",))
    lines[5:5] = [b"no statement", b"", overlapping, b"x" * 70_000, lines[0]]
    (tmp_path / "many.txt").write_bytes(b"\n".join(lines) + b"\r\n")
    results = json.loads(twins.both("import", tmp_path / "many.txt", "--json", exit_code=1))
    assert [result["line"] for result in results] == [*range(1, 7), *range(8, 26)]
    codes = {result["line"]: result["code"] for result in results if "code" in result}
    assert codes == {6: "bad_jws", 8: "overlap", 9: "too_large"}
    assert [result["line"] for result in results if not result.get("new", True)] == [10]
    assert twins.both("import", tmp_path / "many.txt", exit_code=1).endswith("21 recorded, 3 refused\n")
    (tmp_path / "none.txt").write_bytes(b"\n\n")
    assert twins.both("import", tmp_path / "none.txt", "--json") == "[]\n"


def test_what_is_signed_for_a_server_is_signed_for_its_ledger(twins: Twins, tmp_path: Path) -> None:
    (tmp_path / "subject.json").write_bytes(msgspec.json.encode(twins.world.claim_subject(counted_by=("meter:sign",))))
    words = ("sign", "Claim", "--subject", tmp_path / "subject.json", "--issuer", twins.world.party_id("carrier"))
    assert "1 signatures" in twins.both(*words, "--key", CLAIMANT, "--out", tmp_path / "signed.jws")
    assert json.loads(twins.both("submit", tmp_path / "signed.jws", "--json"))["new"] is True


READS = [
    *(("totals", "--by", by) for by in ("kind", "lever", "year", "party")),
    ("goals",),
    ("show",),
    *(("show", index) for index in (0, 4, 9, 11, 12)),
    *(("find", what) for what in ("claims", "attestations", "parties", "accreditations", "methodologies")),
    *(("find", what) for what in ("factor-sets", "targets", "certificates")),
    ("find", "claims", "status=submitted", "limit=3"),
    ("find", "queue", "verifier=https://ledger.example/parties/verifier", "limit=2"),
    ("estimate", "grid-displacement", "energy=1000", "own=1"),
    ("estimate", "grid-displacement@1", "energy=12MWh", "own=0.5"),
]


@pytest.mark.parametrize("words", READS, ids=lambda words: "-".join(map(str, words))[:40])
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_what_is_read_says_the_same(twins: Twins, words: tuple[object, ...], form: tuple[str, ...]) -> None:
    """On one ledger, which the server serves and the command opens."""
    here = invoke(*words, *form, "--data", twins.served)
    assert here == twins.remote(*words, *form)
    assert (here.exit_code, bool(here.out)) == (0, True), here


REFUSALS = {
    ("show", 99_999): "no_entry",
    ("find", "claims", "colour=red"): "unknown_parameter",
    ("find", "claims", "cursor=x"): "bad_cursor",
    ("find", "queue"): "missing_parameter",
    ("estimate", "no-such-methodology", "energy=1"): "unknown_methodology",
    ("estimate", "grid-displacement", "energy=1"): "missing_input",
    ("correct", "withdraw", 11, "--reason", "Not mine", "--key", "verifier:verifier"): "wrong_kind",
    ("attest", 0, "--opinion", "unmodified", "--verified", "1.000", "--key", "verifier:verifier"): "not_a_claim",
    ("claim", "missing.json", "--key", CLAIMANT): "unreadable_file",
    ("submit", "missing.jws"): "unreadable_file",
    ("import", "missing.txt"): "unreadable_file",
}


@pytest.mark.parametrize("words", REFUSALS, ids=lambda words: "-".join(map(str, words))[:40])
def test_what_is_refused_says_the_same(twins: Twins, words: tuple[object, ...]) -> None:
    assert twins.both(*words, exit_code=1 if REFUSALS[words] != "unreadable_file" else 2) == ""
    assert twins.remote(*words).code == REFUSALS[words]


def test_a_participants_machine_has_no_database(twins: Twins, tmp_path: Path) -> None:
    """All the commands in a process that ends when a package of the server's is imported."""
    (tmp_path / "draft.json").write_bytes(draft_of(twins.world.claim_subject(counted_by=("meter:alone",))))
    (tmp_path / "one.jws").write_bytes(twins.world.claim(counted_by=("meter:alone-2",)))
    subject = msgspec.json.encode(twins.world.claim_subject(counted_by=("meter:alone-3",)))
    (tmp_path / "subject.json").write_bytes(subject)
    signed = ("sign", "Claim", "--subject", tmp_path / "subject.json", "--issuer", twins.world.party_id("carrier"))
    claim = json.loads(twins.remote("find", "claims", "limit=1", "--json").out)["items"][0]["index"]
    opinion = ("--opinion", "adverse", "--verified", "0.000", *SIGNING)
    writes = [
        ("claim", tmp_path / "draft.json", "--key", CLAIMANT),
        ("submit", tmp_path / "one.jws", "--receipt", tmp_path / "kept"),
        ("import", tmp_path / "one.jws"),
        (*signed, "--key", CLAIMANT, "--out", tmp_path / "signed.jws"),
        ("attest", claim, *opinion),
        ("correct", "withdraw", claim, "--reason", "A test", "--key", CLAIMANT),
    ]
    new = ("trust", "--server", twins.url, "--data", tmp_path / "new")
    keygen = ("keygen", "mine", "--owner", "https://mine.example", "--purpose", "claim")
    passphrase = twins.home / "keys" / "passphrase.txt"
    door = ("--data", twins.home, "--server", twins.url)
    commands = [(*words, *door) for words in (*writes, *READS)]
    own = (*keygen, "--data", tmp_path / "new", "--passphrase-file", passphrase)
    done = invoke_alone(tmp_path / "none", [*commands, new, own])
    assert [(words, one) for words, one in zip([*commands, new, own], done, strict=True) if one.exit_code] == []
    kept = (tmp_path / "kept.tlog-proof", tmp_path / "kept.json")
    assert all(path.exists() for path in kept)


def test_without_a_trust_file_nothing_is_sent(twins: Twins, tmp_path: Path) -> None:
    (tmp_path / "one.jws").write_bytes(twins.world.claim(counted_by=("meter:untrusting",)))
    before = twins.remote("show").out
    done = invoke("submit", tmp_path / "one.jws", "--data", tmp_path, "--server", twins.url)
    assert (done.exit_code, done.code, done.out) == (1, "no_trust_file", "")
    assert twins.remote("show").out == before
    totals = invoke("totals", "--data", tmp_path, "--server", twins.url)
    assert totals.out == twins.remote("totals").out  # the server's word, with or without trust


def test_trust_is_taken_from_a_server_only_when_asked_and_once(twins: Twins, tmp_path: Path) -> None:
    words = ("trust", "--data", tmp_path / "new", "--server", twins.url)
    assert invoke(*words).exit_code == 0
    made, given = ((place / "trust.json").read_bytes() for place in (tmp_path / "new", twins.home))
    assert made == given
    assert json.loads((tmp_path / "new" / "pins.json").read_bytes())["logs"]
    again = invoke(*words)
    assert (again.exit_code, again.code, again.out) == (1, "trust_file_exists", "")


def test_the_client_knows_every_list_of_the_ledger() -> None:
    assert set(LISTS) == set(asking.PARAMETERS)
