"""A party's own access through the client: tokens when they are needed, evidence that is what its hash says.

Covers THREATS S07, T16, H10.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.client import Client
from api.grants import TOKEN_PATH
from api.private import RENEW_BEFORE_S, Private
from keys.keyfile import StoredKey, read_ring
from ledger.errors import LedgerError, Unreadable
from tests.http.commands import invoke
from tests.http.conftest import Served
from tests.http.homes import make_home, trust_of
from tests.http.liar import Liar, Said, listening, truth

READINGS = b"day,kWh\n2025-01-01,12\n"
DIGEST = hashlib.sha256(READINGS).hexdigest()
LEAVING = ("POST", TOKEN_PATH)


@pytest.fixture(scope="module")
def home(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("home"), served.world)


@pytest.fixture(scope="module")
def stored(home: Path) -> dict[str, StoredKey]:
    return {one.name: one for one in read_ring(home / "keys" / "own.age", "open").keys}


@pytest.fixture
def liar(served: Served) -> Iterator[Liar]:
    made = Liar(served.url)
    with listening(made) as url:
        made.url = url  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def client(served: Served, liar: Liar) -> Iterator[Client]:
    with Client(liar.url, trust=trust_of(served.world)) as made:  # type: ignore[attr-defined]
        made.transport._wait = lambda seconds: None
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "meter.csv").write_bytes(READINGS)
    return tmp_path / "meter.csv"


def test_evidence_goes_up_and_comes_back_under_one_token(
    served: Served, liar: Liar, client: Client, stored: dict[str, StoredKey], file: Path, tmp_path: Path
) -> None:
    claim = served.world.next_id()
    private = Private(client, stored["carrier:claimant"])
    kept = private.put_evidence(file, claim=claim)
    assert (kept.digest, kept.size, kept.visibility, kept.new) == (DIGEST, len(READINGS), "private", True)
    assert kept.owner == served.world.party_id("carrier")
    assert private.put_evidence(file, claim=claim, visibility="public").new is False
    private.get_evidence(DIGEST, claim=claim, to=tmp_path / "back.csv")
    assert (tmp_path / "back.csv").read_bytes() == READINGS
    assert liar.asked.count(LEAVING) == 1
    other = Private(client, stored["verifier:verifier"])
    with pytest.raises(LedgerError) as caught:
        other.get_evidence(DIGEST, claim=claim, to=tmp_path / "stolen.csv")
    assert caught.value.code == "no_evidence"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back.csv", "meter.csv"]


def test_a_token_is_asked_for_anew_before_it_ends_and_when_it_is_not_taken(
    served: Served, liar: Liar, client: Client, stored: dict[str, StoredKey], file: Path
) -> None:
    now = [1000.0]
    private = Private(client, stored["carrier:claimant"], clock=lambda: now[0])
    first = private.token()
    now[0] += 600 - RENEW_BEFORE_S - 1
    assert private.token() == first
    now[0] += 1
    second = private.token()
    assert second != first
    refused = [1]

    def refuse(said: Said) -> Said:
        if said.method != "PUT" or not refused:
            return said
        refused.pop()
        problem = {"content-type": "application/problem+json"}
        return said._replace(status=401, headers=problem, body=b'{"code":"bad_token"}')

    liar.lie = refuse
    private.put_evidence(file, claim=served.world.next_id())
    assert liar.asked.count(LEAVING) == 3


def test_each_attempt_signs_an_assertion_of_its_own(liar: Liar, client: Client, stored: dict[str, StoredKey]) -> None:
    """The service took the first one and the answer was lost: an assertion serves once."""
    lost = [1]
    liar.lie = lambda said: None if said.path == TOKEN_PATH and lost and lost.pop() else said
    assert Private(client, stored["carrier:claimant"]).token()
    assert liar.asked.count(LEAVING) == 2


def test_evidence_that_is_not_what_its_hash_says_is_not_kept(
    served: Served, liar: Liar, client: Client, stored: dict[str, StoredKey], file: Path, tmp_path: Path
) -> None:
    claim, private = served.world.next_id(), Private(client, stored["carrier:claimant"])
    private.put_evidence(file, claim=claim)
    liar.lie = lambda said: said._replace(body=b"day,kWh\n2025-01-01,99\n") if "evidence" in said.path else said
    with pytest.raises(LedgerError) as caught:
        private.get_evidence(DIGEST, claim=claim, to=tmp_path / "back.csv")
    assert caught.value.code == "evidence_damaged"
    assert [path.name for path in tmp_path.iterdir()] == ["meter.csv"]
    liar.lie = truth
    with pytest.raises(Unreadable):
        private.put_evidence(tmp_path / "missing.csv", claim=claim)


def test_a_token_is_sent_over_tls_or_within_this_machine(served: Served, stored: dict[str, StoredKey]) -> None:
    for url, fine in {
        "http://ledger.example": False,
        "http://127.0.0.1.evil.example": False,
        "https://ledger.example": True,
        "http://localhost:1": True,
        "http://[::1]:1": True,
    }.items():
        with Client(url, trust=trust_of(served.world)) as client:
            if fine:
                Private(client, stored["carrier:claimant"])
                continue
            with pytest.raises(Unreadable) as caught:
                Private(client, stored["carrier:claimant"])
            assert caught.value.code == "bad_server_url"


def test_whom_an_assertion_is_for_is_read_from_a_proven_programme(
    served: Served, liar: Liar, client: Client, stored: dict[str, StoredKey]
) -> None:
    """A server that shows another Programme, to have an assertion that it can use elsewhere, is sent none."""
    client.head()
    elsewhere = lambda said: said._replace(body=said.body.replace(b"A", b"B"))  # noqa: E731
    liar.lie = lambda said: elsewhere(said) if said.path == "/v1/entries/0" else said
    with pytest.raises(LedgerError) as caught:
        Private(client, stored["carrier:claimant"]).token()
    assert caught.value.code == "bad_proof"
    assert LEAVING not in liar.asked


def test_the_commands_keep_and_read_evidence_at_a_server(
    served: Served, home: Path, file: Path, tmp_path: Path
) -> None:
    claim = served.world.next_id()
    door = ("--key", "carrier:claimant", "--claim", claim, "--data", home, "--server", served.url)
    done = invoke("evidence", "put", file, *door, "--json")
    assert json.loads(done.out)["digest"] == DIGEST
    assert invoke("evidence", "get", DIGEST, *door, "--out", tmp_path / "back.csv").exit_code == 0
    assert (tmp_path / "back.csv").read_bytes() == READINGS
    again = invoke("evidence", "get", DIGEST, *door, "--out", tmp_path / "back.csv")
    assert (again.exit_code, again.code) == (2, "unreadable_file")
    assert invoke("evidence", "put", file, "--claim", claim, "--data", home, "--server", served.url).exit_code == 2
    assert invoke("evidence", "put", file, "--claim", claim, "--data", served.directory).exit_code == 2
