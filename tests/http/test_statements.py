"""Statements over HTTP: recorded once, durably, with a receipt that proves it; refused with the rule's own code.

Covers THREATS H01, H03, H04, H09, H12, H16.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ledger.codes import REMEDIES
from ledger.core.jws import STATEMENT_BYTES_MAX
from ledger.core.receipt import check_receipt, parse_receipt
from tests.http.conftest import Served
from tests.ledgers import reopen, require_whole
from tests.world import ORIGIN

PARALLEL = 20
TYPE = {"Content-Type": "application/vc+jwt"}


def post(served: Served, statement: bytes) -> httpx.Response:
    with served.client() as client:
        return client.post("/v1/statements", content=statement, headers=TYPE)


def size(served: Served) -> int:
    with served.client() as client:
        return int(client.get("/readyz").json()["size"])


def require_problem(answer: httpx.Response, *, status: int, code: str) -> None:
    """RFC 9457, with the code and what to do next."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"], body["remedy"]) == (status, status, code, REMEDIES[code])


def test_a_statement_is_recorded_with_a_receipt_that_proves_it(served: Served) -> None:
    answer = post(served, served.world.claim(counted_by=("meter:http-1",)))
    body = answer.json()
    assert (answer.status_code, body["new"]) == (201, True)
    with served.client() as client:
        entry = client.get(answer.headers["Location"])
        proof = client.get(answer.headers["Location"] + "/proof")
    for raw in (body["receipt"].encode(), proof.content):
        check_receipt(parse_receipt(raw), entry=entry.content, log=served.world.log_vkey, origin=ORIGIN)


def test_the_same_statement_twenty_times_at_once_is_one_entry(served: Served) -> None:
    statement, before = served.world.claim(counted_by=("meter:http-same",)), size(served)
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(lambda _: post(served, statement), range(PARALLEL)))
    assert sorted(answer.status_code for answer in answers) == [200] * (PARALLEL - 1) + [201]
    assert {answer.json()["index"] for answer in answers} == {before}
    assert size(served) == before + 1


def test_of_twenty_overlapping_claims_at_once_one_is_recorded(served: Served) -> None:
    claims, before = [served.world.claim(counted_by=("meter:http-over",)) for _ in range(PARALLEL)], size(served)
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(lambda claim: post(served, claim), claims))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (PARALLEL - 1)
    for answer in answers:
        if answer.status_code == 409:
            require_problem(answer, status=409, code="overlap")
    assert size(served) == before + 1


def chunks(count: int) -> Iterator[bytes]:
    """A body whose length nobody states."""
    for _ in range(count):
        yield b"x" * 1024


CASES = {
    "no statement": (b"a.b.c", TYPE, 400, "bad_jws"),
    "empty": (b"", TYPE, 400, "bad_jws"),
    "too large": (b"x" * (STATEMENT_BYTES_MAX + 1), TYPE, 413, "too_large"),
    "too large in chunks": (lambda: chunks(60), TYPE, 413, "too_large"),
    "JSON": (b"{}", {"Content-Type": "application/json"}, 415, "wrong_content_type"),
    "a form": (b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "wrong_content_type"),
    "no type": (b"a.b.c", {}, 415, "wrong_content_type"),
    "gzip": (b"\x1f\x8b", {**TYPE, "Content-Encoding": "gzip"}, 415, "encoded_body"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_refused_says_why_and_changes_nothing(served: Served, name: str) -> None:
    body, headers, status, code = CASES[name]
    before = size(served)
    with served.client() as client:
        answer = client.post("/v1/statements", content=body() if callable(body) else body, headers=headers)
    require_problem(answer, status=status, code=code)
    assert size(served) == before


def test_a_rule_of_the_book_is_named_by_its_code(served: Served) -> None:
    claim = served.world.claim(counted_by=("meter:http-late",), start="2026-01-01", end="2099-01-01")
    answer = post(served, claim)
    require_problem(answer, status=422, code="period_not_ended")
    bad = claim[:-3] + (b"AAA" if claim[-3:] != b"AAA" else b"BBA")
    assert post(served, bad).json()["code"] in {"bad_signature", "bad_base64"}


def test_no_other_method_or_spelling_of_an_address_does_anything(served: Served) -> None:
    with served.client() as client:
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            answer = client.request(method, "/v1/statements", headers={"X-HTTP-Method-Override": "POST"})
            require_problem(answer, status=405, code="wrong_method")
        for path in ("/v1/statements/", "//v1/statements", "/V1/statements", "/v1/%2e%2e/v1/statements", "/docs"):
            require_problem(client.post(path, content=b"x", headers=TYPE), status=404, code="no_route")


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_no_origin_may_read_across(served: Served, origin: str) -> None:
    with served.client() as client:
        for answer in (client.get("/readyz", headers={"Origin": origin}), client.options("/v1/statements")):
            assert not [name for name in answer.headers if name.startswith("access-control")]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert len(answer.headers["X-Request-Id"]) == 36


def test_every_operation_of_the_description_is_there(served: Served) -> None:
    with served.client() as client:
        found = client.get("/openapi.json").json()
    assert found["openapi"].startswith("3.1")
    assert {"/v1/statements", "/log/checkpoint", "/healthz", "/readyz"} <= set(found["paths"])


def test_zz_the_log_behind_it_is_whole(served: Served) -> None:
    """Opened by a second process while the first still serves."""
    with reopen(served.directory) as ledger:
        assert len(require_whole(ledger)) == size(served)
