"""Webhooks: signed words about new entries, to whoever subscribed, whatever the receivers do.

Covers THREATS H10, H11, H14, T21, T26.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from ledger.core.hashing import leaf_hash
from tests.http.conftest import Served, found_with_keys, start, stop, wait_for
from tests.http.parties import bearer, code_of, token
from tests.http.receivers import Receiver
from tests.http.test_statements import post
from tests.world import HOST, reference_to

PATH = "/v1/webhooks"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("webhooks") / "log"
    world = found_with_keys(directory)
    process, url = start(directory, "--webhook-allow", f"{receiver.url}/hooks/")
    one = Served(url, directory, world, process)
    yield one
    stop(process)


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as one:
        yield one


@pytest.fixture(scope="module")
def carrier(served: Served) -> dict[str, str]:
    return bearer(token(served, "carrier"))


@pytest.fixture(scope="module")
def keys(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/.well-known/jwks.json").json()
    return found


def subscribe(client: httpx.Client, caller: dict[str, str], url: str, **filters: Any) -> dict[str, Any]:
    answer = client.post(PATH, json={"url": url, "filters": filters}, headers=caller)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"{PATH}/{made['id']}"
    return made


def record(served: Served, meter: str, **more: Any) -> dict[str, Any]:
    statement = served.world.claim(counted_by=(f"meter:{meter}",), **more)
    answer = post(served, statement)
    assert answer.status_code == 201, answer.text
    index = answer.json()["index"]
    with served.client() as client:
        raw = client.get(f"/v1/entries/{index}").content
    return {"index": index, "raw": raw}


def test_a_new_entry_is_told_and_anybody_can_verify_who_told_it(
    served: Served, client: httpx.Client, carrier: dict[str, str], receiver: Receiver, keys: dict[str, Any]
) -> None:
    made = subscribe(client, carrier, f"{receiver.url}/hooks/all")
    entry = record(served, "hook-1")
    wait_for(lambda: len(receiver.told(keys, path="/hooks/all")) == 1)
    (told,) = receiver.told(keys, path="/hooks/all")
    statement = json.loads(entry["raw"])["statement"]
    assert told["index"] == entry["index"]
    assert told["entry_hash"] == leaf_hash(entry["raw"]).hex()
    assert (told["iss"], told["kind"], told["issuer"]) == (HOST, "Claim", served.world.party_id("carrier"))
    assert told["jti"] == f"{made['id']}:{entry['index']}"
    assert (told["entry_url"], told["proof_url"]) == (
        f"{HOST}/v1/entries/{entry['index']}",
        f"{HOST}/v1/entries/{entry['index']}/proof",
    )
    assert told["size"] > entry["index"]
    assert told["statement_id"] in read(statement)
    got = next(one for one in receiver.got if one.path == "/hooks/all")
    assert got.headers["Content-Type"] == "application/jose"
    assert got.headers["Host"] == receiver.url.removeprefix("http://")
    assert "Cookie" not in got.headers
    wait_for(lambda: client.get(f"{PATH}/{made['id']}", headers=carrier).json()["delivered"] == 1)


def read(statement: str) -> str:
    import base64

    payload = statement.split(".")[1]
    return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()


def test_only_what_was_asked_for_is_told(
    served: Served, client: httpx.Client, carrier: dict[str, str], receiver: Receiver, keys: dict[str, Any]
) -> None:
    world = served.world
    party, other = world.party_id("carrier"), world.party_id("plant")
    wanted = {
        "kinds": {"kinds": ["Claim"]},
        "parties": {"kinds": ["Party", "Key"]},
        "issuer": {"issuers": [party]},
        "other": {"issuers": [other]},
        "claimant": {"claimants": [party], "kinds": ["Claim", "Attestation"]},
        "nobody": {"claimants": [other]},
    }
    for name, filters in wanted.items():
        subscribe(client, carrier, f"{receiver.url}/hooks/{name}", **filters)
    first = record(served, "hook-2")
    claim_id = json.loads(read(json.loads(first["raw"])["statement"]))["id"]
    subscribe(client, carrier, f"{receiver.url}/hooks/claim", claims=[claim_id])
    second = record(served, "hook-3")
    attestation = world.attest(reference_to(first["raw"]), "499000.000")
    attested = post(served, attestation).json()["index"]
    subscribe(client, carrier, f"{receiver.url}/hooks/end")
    record(served, "hook-4")
    wait_for(lambda: len(receiver.told(keys, path="/hooks/end")) == 1)

    def indexes(name: str) -> list[int]:
        return [told["index"] for told in receiver.told(keys, path=f"/hooks/{name}")]

    # Each subscriber has its own turn, so that one was told says nothing of another.
    last = indexes("end")[0]
    all_three = [first["index"], second["index"], last]
    wait_for(lambda: indexes("kinds") == all_three)
    wait_for(lambda: indexes("issuer") == all_three)
    wait_for(lambda: indexes("claimant") == [first["index"], second["index"], attested, last])
    wait_for(lambda: indexes("claim") == [attested])
    assert (indexes("parties"), indexes("other"), indexes("nobody")) == ([], [], [])


def test_a_subscription_is_its_owners_alone(
    served: Served, client: httpx.Client, carrier: dict[str, str], receiver: Receiver
) -> None:
    made = subscribe(client, carrier, f"{receiver.url}/hooks/mine", kinds=["Programme"])
    other = bearer(token(served, "plant"))
    mine = f"{PATH}/{made['id']}"
    for method, path in (("GET", mine), ("DELETE", mine), ("GET", f"{mine}/dead"), ("POST", f"{mine}/dead:retry")):
        assert code_of(client.request(method, path, headers=other)) == (404, "no_webhook")
        assert code_of(client.request(method, path)) == (401, "no_token")
    assert client.get(PATH, headers=other).json() == {"items": []}
    assert made["id"] in {one["id"] for one in client.get(PATH, headers=carrier).json()["items"]}
    assert client.delete(mine, headers=carrier).status_code == 204
    assert code_of(client.get(mine, headers=carrier)) == (404, "no_webhook")


REFUSED = {
    "not allowed": ({"url": "https://hooks.example/x"}, 403, "address_not_allowed"),
    "metadata": ({"url": "http://169.254.169.254/latest/meta-data/"}, 403, "address_not_allowed"),
    "another path": ({"url": "{}/other"}, 403, "address_not_allowed"),
    "a way out of the path": ({"url": "{}/hooks/../x"}, 403, "address_not_allowed"),
    "an encoded way out": ({"url": "{}/hooks/%2e%2e/x"}, 403, "address_not_allowed"),
    "a user": ({"url": "http://u:p@127.0.0.1/hooks/"}, 403, "address_not_allowed"),
    "a file": ({"url": "file:///etc/passwd"}, 403, "address_not_allowed"),
    "no address": ({}, 400, "bad_body"),
    "another member": ({"url": "{}/hooks/x", "owner": "me"}, 400, "bad_body"),
    "an unknown filter": ({"url": "{}/hooks/x", "filters": {"all": True}}, 400, "bad_body"),
    "an unknown kind": ({"url": "{}/hooks/x", "filters": {"kinds": ["Anything"]}}, 400, "bad_body"),
    "an empty filter": ({"url": "{}/hooks/x", "filters": {"kinds": []}}, 400, "bad_body"),
    "a number": ({"url": 1}, 400, "bad_body"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_why(client: httpx.Client, carrier: dict[str, str], receiver: Receiver, name: str) -> None:
    body, status, code = REFUSED[name]
    text = json.dumps(body).replace("{}/", f"{receiver.url}/")
    answer = client.post(PATH, content=text, headers={**carrier, "Content-Type": "application/json"})
    assert code_of(answer) == (status, code)


BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"x"',
    b'{"url":"a","url":"b"}',
    b'{"url":NaN}',
    b'{"url":1e999}',
    b"\xff",
    b"\xef\xbb\xbf{}",
]


@pytest.mark.parametrize("body", [*BODIES, b"[" * 50_000, b'{"url":"\\ud800"}', b'{"url":"\\u0000"}', b"{}{}"])
def test_a_body_that_is_not_json_in_one_way_is_refused(
    client: httpx.Client, carrier: dict[str, str], body: bytes
) -> None:
    answer = client.post(PATH, content=body, headers={**carrier, "Content-Type": "application/json"})
    assert code_of(answer) == (400, "bad_body")


def test_a_party_has_so_many_subscriptions_and_no_more(
    served: Served, client: httpx.Client, receiver: Receiver
) -> None:
    plant = bearer(token(served, "plant"))
    for number in range(20):
        subscribe(client, plant, f"{receiver.url}/hooks/many-{number}", kinds=["Programme"])
    answer = client.post(PATH, json={"url": f"{receiver.url}/hooks/one-more"}, headers=plant)
    assert code_of(answer) == (403, "quota_used_up")


def test_deliveries_are_counted(client: httpx.Client) -> None:
    text = client.get("/metrics").text
    assert 'gigaton_webhook_deliveries_total{outcome="delivered"}' in text
    assert 'gigaton_webhook_backlog{state="dead"} 0.0' in text
