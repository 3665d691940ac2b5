"""Drafts, and that no route gives one party what is another's: every route of /openapi.json with every id.

Covers THREATS H10, H11, H12, T18.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from ledger.errors import NotAllowed
from ledger.service import drafts as acts
from tests.http.conftest import Served
from tests.http.parties import bearer, code_of, token
from tests.ledgers import found
from tests.world import World

SECRET = b"what only the carrier may see: 4711"
METHODS = ("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE")
BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def own(served: Served) -> dict[str, str]:
    return bearer(token(served, "carrier"))


@pytest.fixture(scope="module")
def foreign(served: Served) -> dict[str, str]:
    return bearer(token(served, "plant"))


@pytest.fixture
def client(served: Served) -> Iterator[httpx.Client]:
    with served.client() as one:
        yield one


def test_a_draft_is_kept_changed_listed_and_removed(client: httpx.Client, own: dict[str, str]) -> None:
    path = f"/v1/drafts/{uuid4()}"
    assert client.put(path, content=b"one", headers={**own, **BYTES}).status_code == 201
    assert client.put(path, content=b"\x00\xfftwo", headers={**own, **BYTES}).status_code == 200
    answer = client.get(path, headers=own)
    assert (answer.status_code, answer.content) == (200, b"\x00\xfftwo")
    assert answer.headers["Content-Disposition"] == "attachment"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Cache-Control"] == "no-store"
    items = client.get("/v1/drafts", headers=own).json()["items"]
    assert [item["size"] for item in items if path.endswith(item["id"])] == [5]
    assert client.delete(path, headers=own).status_code == 204
    assert code_of(client.delete(path, headers=own)) == (404, "no_draft")
    assert code_of(client.get(path, headers=own)) == (404, "no_draft")


def test_one_id_is_two_drafts_of_two_parties(
    client: httpx.Client, own: dict[str, str], foreign: dict[str, str]
) -> None:
    path = f"/v1/drafts/{uuid4()}"
    assert client.put(path, content=b"mine", headers={**own, **BYTES}).status_code == 201
    assert code_of(client.get(path, headers=foreign)) == (404, "no_draft")
    assert code_of(client.delete(path, headers=foreign)) == (404, "no_draft")
    assert client.put(path, content=b"yours", headers={**foreign, **BYTES}).status_code == 201
    assert client.get(path, headers=own).content == b"mine"
    assert client.delete(path, headers=foreign).status_code == 204
    assert client.get(path, headers=own).content == b"mine"
    listed = [client.get("/v1/drafts", headers=one).json()["items"] for one in (own, foreign)]
    assert [any(path.endswith(item["id"]) for item in items) for items in listed] == [True, False]


UUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
IDS = ("x", "%2e%2e", "A" * 36, UUID.upper(), f"{UUID}0", f"{{{UUID}}}", f"{UUID}%0a", "%00")


@pytest.mark.parametrize("identity", IDS)
def test_an_id_is_a_uuid_in_one_spelling(client: httpx.Client, own: dict[str, str], identity: str) -> None:
    path = f"/v1/drafts/{identity}"
    assert code_of(client.put(path, content=b"x", headers={**own, **BYTES})) == (400, "bad_draft_id")
    assert code_of(client.get(path, headers=own)) == (404, "no_draft")


def test_nothing_of_a_draft_comes_from_elsewhere(client: httpx.Client, own: dict[str, str]) -> None:
    path = f"/v1/drafts/{uuid4()}"
    for query in ("owner=x", "changed_ms=0", "id=x", "a=1&a=2"):
        for method in ("GET", "PUT", "DELETE"):
            answer = client.request(method, f"{path}?{query}", headers={**own, **BYTES})
            assert code_of(answer) == (422, "unknown_parameter")
    assert code_of(client.get("/v1/drafts?owner=x", headers=own)) == (422, "unknown_parameter")
    assert code_of(client.put(path, json={"owner": "x"}, headers=own)) == (415, "wrong_content_type")
    assert code_of(client.put(path, content=b"x" * 65_537, headers={**own, **BYTES})) == (413, "too_large")
    assert client.put(path, content=b"x" * 65_536, headers={**own, **BYTES}).status_code == 201
    assert client.put(path, content=b"", headers={**own, **BYTES}).status_code == 200


def test_a_party_keeps_so_many_drafts_and_no_more(tmp_path: Path) -> None:
    with found(tmp_path / "log", World()) as ledger:
        with ledger.engine.begin() as connection:
            for number in range(acts.DRAFTS_OF_ONE_MAX - 1):
                connection.exec_driver_sql(
                    "INSERT INTO draft VALUES (?, ?, x'00', 0)", ("a", f"00000000-0000-4000-8000-{number:012}")
                )

        def keep(number: int) -> bool | NotAllowed:
            try:
                return acts.put(ledger, f"10000000-0000-4000-8000-{number:012}", b"x", owner="a")
            except NotAllowed as error:
                return error

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(keep, range(8)))
        assert [one for one in answers if one is True] == [True]
        assert {one.code for one in answers if isinstance(one, NotAllowed)} == {"quota_used_up"}
        assert acts.put(ledger, "00000000-0000-4000-8000-000000000000", b"again", owner="a") is False
        assert acts.put(ledger, "00000000-0000-4000-8000-000000000000", b"x", owner="b") is True
        assert len(acts.listed(ledger, owner="a")) == acts.DRAFTS_OF_ONE_MAX


@pytest.fixture(scope="module")
def ids(served: Served, own: dict[str, str]) -> dict[str, str]:
    """Everything of the carrier's that an id names, each holding the secret."""
    identity, digest, claim = str(uuid4()), sha256(SECRET).hexdigest(), served.world.next_id()
    with served.client() as client:
        assert client.put(f"/v1/drafts/{identity}", content=SECRET, headers={**own, **BYTES}).status_code == 201
        path = f"/v1/evidence/{digest}?claim={claim}"
        assert client.put(path, content=SECRET, headers=own).status_code == 201
    return {"draft": identity, "digest": digest, "claim": claim, "party": served.world.party_id("carrier")}


def addresses(paths: dict[str, object], ids: dict[str, str]) -> Iterator[str]:
    """Every path of the document with every id in every place, alone and with every question."""
    for path in paths:
        places = path.count("{")
        for chosen in itertools.product(ids.values(), repeat=places):
            filled = path
            for one in chosen:
                before, _, rest = filled.partition("{")
                filled = before + quote(one, safe="") + rest.partition("}")[2]
            yield filled
            if places:
                yield f"{filled}?claim={ids['claim']}"


def test_no_route_gives_a_stranger_what_is_anothers(
    client: httpx.Client, own: dict[str, str], foreign: dict[str, str], ids: dict[str, str]
) -> None:
    """Reading or writing, with another party's token or none; the owner reads it to the last byte all the same."""
    document = client.get("/openapi.json").json()
    private = [path for path, item in document["paths"].items() if "security" in item.get("get", {})]
    assert {"/v1/drafts", "/v1/drafts/{identity}", "/v1/evidence/{digest}"} <= set(private)
    for address in addresses(document["paths"], ids):
        for method, headers in itertools.product(METHODS, (foreign, {})):
            body = SECRET[::-1] if method in ("PUT", "POST", "PATCH") else b""
            answer = client.request(method, address, headers={**BYTES, **headers}, content=body)
            assert SECRET not in answer.content, (method, address)
            assert answer.status_code < 500, (method, address)
            if address.startswith(f"/v1/drafts/{ids['draft']}"):
                if (method, headers, answer.status_code) == ("PUT", foreign, 201):  # a draft of its own
                    client.delete(address, headers=foreign)
                else:
                    assert answer.is_client_error, (method, address)
            elif any(address.startswith(path.partition("{")[0]) for path in private):
                assert answer.is_client_error or answer.content in (b"", b'{"items":[]}'), (method, address)
    for address in (f"/v1/drafts/{ids['draft']}", f"/v1/evidence/{ids['digest']}?claim={ids['claim']}"):
        assert client.get(address, headers=own).content == SECRET


@pytest.mark.parametrize("headers", [{"X-HTTP-Method-Override": "GET"}, {"X-Method-Override": "DELETE"}])
def test_a_method_is_what_it_is(client: httpx.Client, own: dict[str, str], headers: dict[str, str]) -> None:
    assert client.post(f"/v1/drafts/{uuid4()}", headers={**own, **headers}).status_code == 405


@pytest.mark.parametrize(
    "path", ["/v1/drafts/", "//v1/drafts", "/V1/drafts", "/v1/Drafts", "/v1//drafts", "/v1/./drafts"]
)
def test_another_spelling_of_a_route_is_no_way_around(client: httpx.Client, own: dict[str, str], path: str) -> None:
    for headers in (own, {}):
        answer = client.request("GET", f"{client.base_url}".rstrip("/") + path, headers=headers)
        assert answer.status_code in (401, 404) or (headers and answer.url.path == "/v1/drafts")
