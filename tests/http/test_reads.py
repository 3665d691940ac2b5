"""Reading over HTTP, from a real server: lists and things are what brute force over the entries gives.

Covers THREATS H10, H12, H13, H20; source: DESIGN 6.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest

from ledger.core.checkpoint import open_checkpoint
from ledger.core.entry import decode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import open_jws
from ledger.domain import records
from ledger.domain.records import Record
from ledger.domain.statements import Statement, read_statement
from ledger.domain.totals import Decision
from tests.http.conftest import Served, Varied
from tests.http.test_pages import PICKS, SHAPES, expected, expected_queue, values
from tests.http.test_statements import post, require_problem
from tests.http.varied import fold
from tests.world import ORIGIN

DOCUMENTS = ("methodologies", "factor-sets", "targets")


def plain(value: Any) -> Any:
    """As JSON says it."""
    return msgspec.json.decode(msgspec.json.encode(value))


def address(*parts: object) -> str:
    """A path under /v1, each part percent-encoded as a whole."""
    return "/v1/" + "/".join(quote(str(part), safe="") for part in parts)


def read(client: httpx.Client, *parts: object) -> Any:
    """The body of an answer, which names one checkpoint twice."""
    answer = client.get(address(*parts))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    true_at = body["as_of"]
    assert answer.headers["X-Log-Checkpoint"] == f"{ORIGIN} {true_at['size']} {true_at['root']}"
    return body


def said(raw: bytes) -> Statement:
    return read_statement(open_jws(decode_entry(raw).statement))


@pytest.fixture(scope="module")
def touched(varied: Varied) -> dict[tuple[type[Record], tuple[Any, ...]], list[int]]:
    """Which entries made each record what it is, by folding them one after the other."""
    found = defaultdict(list)

    def note(index: int, decision: Decision) -> None:
        for record in decision.records:
            found[(type(record), record.identity)].append(index)

    fold(varied.kept.entries, note)
    return found


def every_page(client: httpx.Client, name: str, where: dict[str, str], *, limit: int) -> list[Any]:
    items: list[Any] = []
    given = {**where, "limit": str(limit)}
    while True:
        answer = client.get(f"/v1/{name}", params=given)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next"] is None:
            return items
        given["cursor"] = answer.json()["next"]


def test_every_list_and_filter_is_over_http_what_brute_force_gives(varied: Varied) -> None:
    state = varied.kept.state
    with varied.client() as client:
        for name, picks in PICKS.items():
            assert every_page(client, name, {}, limit=13) == plain(expected(state, name, {}))
            for parameter in picks:
                for text in values(state, name, parameter)[:: 3 if parameter in ("start", "end", "claim") else 1]:
                    where = {parameter: text}
                    assert every_page(client, name, where, limit=500) == plain(expected(state, name, where)), where
        for party in state.all(records.PartyRecord):
            queue = every_page(client, "queue", {"verifier": party.id}, limit=7)
            assert [one["claim"]["index"] for one in queue] == expected_queue(state, party.id)


def test_every_claim_is_what_brute_force_gives(varied: Varied, touched: dict[Any, list[int]]) -> None:
    state, entries = varied.kept.state, varied.kept.entries
    with varied.client() as client:
        for claim in state.all(records.ClaimRecord):
            body = read(client, "claims", claim.id)
            assert body["claim"] == plain(claim)
            assert body["subject"] == plain(said(entries[claim.index]).subject)
            made_by = touched[(records.ClaimRecord, (claim.id,))]
            assert [one["index"] for one in body["history"]] == made_by
            assert [one["kind"] for one in body["history"]] == [said(entries[index]).kind for index in made_by]
            opinions = [one for one in state.all(records.AttestationRecord) if one.claim == claim.id]
            assert body["attestations"] == plain(opinions)
            assert body["claim"]["verified_g"] == body["claim"]["current_g"] + body["claim"]["reversed_g"]


def test_every_attestation_is_what_brute_force_gives(varied: Varied) -> None:
    state, entries = varied.kept.state, varied.kept.entries
    with varied.client() as client:
        for one in state.all(records.AttestationRecord):
            body = read(client, "attestations", one.id)
            claim = state.get(records.ClaimRecord, one.claim)
            assert claim is not None
            counting = [plain(counts) for counts in claim.attestations if counts.attestation == one.id]
            assert (body["attestation"], body["entry"]["index"]) == (plain(one), one.index)
            assert [body["counting"]] == (counting or [None])
            assert body["subject"] == plain(said(entries[one.index]).subject)


def test_every_party_accreditation_and_document_is_what_brute_force_gives(
    varied: Varied, touched: dict[Any, list[int]]
) -> None:
    state, entries = varied.kept.state, varied.kept.entries
    with varied.client() as client:
        for party in state.all(records.PartyRecord):
            body = read(client, "parties", party.id)
            keys = [key for key in state.all(records.KeyRecord) if (key.owner, key.serves) == (party.id, "party")]
            assert body["party"] == plain(party)
            assert sorted(key["key"] for key in body["keys"]) == sorted(key.key for key in keys)
            grants = [one for one in state.all(records.AccreditationRecord) if one.verifier == party.id]
            assert body["accreditations"] == plain(sorted(grants, key=lambda one: one.index))
            assert [one["index"] for one in body["history"]] == touched[(records.PartyRecord, (party.id,))]
        for grant in state.all(records.AccreditationRecord):
            body = read(client, "accreditations", grant.id)
            assert (body["accreditation"], body["subject"]) == (
                plain(grant),
                plain(said(entries[grant.index]).subject),
            )
            assert [one["index"] for one in body["history"]] == touched[(records.AccreditationRecord, (grant.id,))]
        for name in DOCUMENTS:
            every: list[Any] = state.all(SHAPES[name])
            for one in every:
                body = read(client, name, one.id)
                assert body["versions"] == plain([other for other in every if other.id == one.id])
                body = read(client, name, one.id, one.version)
                assert (body["document"], body["entry"]["index"]) == (plain(one), one.index)


def test_the_programme_is_the_one_of_entry_0(varied: Varied) -> None:
    with varied.client() as client:
        body = read(client, "programme")
    assert body["programme"]["subject"] == plain(said(varied.kept.entries[0]).subject)
    assert [one["index"] for one in body["history"]] == [0]


def test_every_certificate_says_what_has_become_of_it(varied: Varied) -> None:
    state, entries = varied.kept.state, varied.kept.entries
    found = {}
    with varied.client() as client:
        for one in state.all(records.CertificateRecord):
            body = read(client, "certificates", one.number)
            assert client.get(f"/v1/certificates/{one.number}.json").json() == body
            assert (body["certificate"], body["subject"]) == (plain(one), plain(said(entries[one.index]).subject))
            assert body["credential"].encode() == decode_entry(entries[one.index]).statement
            then = fold(entries[: one.as_of_size])
            changed = []
            for identity in one.claims:
                before, now = (which.get(records.ClaimRecord, identity) for which in (then, state))
                assert before is not None
                assert now is not None
                if (now.status, now.current_g) != (before.status, before.current_g):
                    changed.append((now.index, now.status, before.current_g, now.current_g))
            names = ("index", "status", "certified_g", "current_g")
            assert [tuple(claim[name] for name in names) for claim in body["changed"]] == changed
            found[one.number] = (body["status"], len(changed))
    assert found == {
        "TEST-1": ("revoked", 0),
        "TEST-2": ("current", 0),
        "TEST-3": ("current", 0),
        "TEST-4": ("stale", 1),
    }


def test_an_entry_is_listed_as_it_is_served(varied: Varied) -> None:
    with varied.client() as client:
        for line in every_page(client, "entries", {"kind": "Certificate"}, limit=2):
            raw = client.get(f"/v1/entries/{line['index']}").content
            assert raw == varied.kept.entries[line["index"]]
            assert leaf_hash(raw).hex() == line["entry_hash"]
            assert msgspec.json.decode(raw)["recorded_at"] == line["recorded_at"]


def test_what_the_caller_holds_is_not_sent_again(varied: Varied) -> None:
    claim = varied.kept.state.all(records.ClaimRecord)[0]
    paths = [address("claims", claim.id), "/v1/claims?limit=2", "/v1/totals", "/v1/programme", "/log/checkpoint"]
    paths += ["/log/tile/entries/000.p/7", "/log/tile/0/000.p/7", "/v1/entries/3", "/v1/certificates/TEST-3"]
    paths += ["/openapi.json", address("claims", claim.id) + "/bundle"]
    with varied.client() as client:
        for path in paths:
            first = client.get(path)
            tag = first.headers["ETag"]
            for held in (tag, f'"other", W/{tag.removeprefix("W/")}', "*"):
                again = client.get(path, headers={"If-None-Match": held})
                assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag), path
                for name in ("Cache-Control", "Vary", "X-Log-Checkpoint"):
                    assert again.headers.get(name) == first.headers.get(name)
            assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content


def test_different_questions_have_different_tags(varied: Varied) -> None:
    paths = ["/v1/claims", "/v1/claims?limit=5", "/v1/claims?limit=6", "/v1/totals", "/v1/goals", "/v1/attestations"]
    with varied.client() as client:
        tags = [client.get(path).headers["ETag"] for path in paths]
    assert len(set(tags)) == len(tags)


def test_head_is_get_without_its_body(varied: Varied) -> None:
    claim = varied.kept.state.all(records.ClaimRecord)[0]
    paths = ["/v1/claims", address("claims", claim.id), "/v1/totals", "/v1/entries/1", "/v1/entries/1/proof"]
    paths += ["/log/checkpoint", "/log/tile/0/000.p/3", "/healthz", "/readyz", "/openapi.json", "/v1/claims/none"]
    with varied.client() as client:
        for path in paths:
            get, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (get.status_code, b""), path
            for name in ("Content-Type", "Content-Length", "ETag", "Cache-Control", "X-Log-Checkpoint"):
                assert head.headers.get(name) == get.headers.get(name), (path, name)
        head = client.head(address("claims", claim.id) + "/bundle")
        assert (head.status_code, head.headers["Content-Type"], head.content) == (200, "application/zip", b"")
        require_problem(client.post("/v1/claims"), status=405, code="wrong_method")


def test_a_cursor_serves_no_other_question(varied: Varied) -> None:
    with varied.client() as client:
        cursor = client.get("/v1/parties", params={"limit": "2"}).json()["next"]
        for name, where in (("claims", {}), ("parties", {"country": "DE"}), ("queue", {"verifier": "urn:lei:a"})):
            answer = client.get(f"/v1/{name}", params={**where, "cursor": cursor})
            require_problem(answer, status=422, code="bad_cursor")
        assert client.get("/v1/parties", params={"cursor": cursor}).status_code == 200


def test_an_answer_changes_when_the_log_has_grown(served: Served) -> None:
    """And only then; the header names the checkpoint that is published."""
    with served.client() as client:
        first = client.get("/v1/totals")
        held = {"If-None-Match": first.headers["ETag"]}
        assert client.get("/v1/totals", headers=held).status_code == 304
        assert post(served, served.world.claim(counted_by=("meter:grown",))).status_code == 201
        second = client.get("/v1/totals", headers=held)
        assert second.status_code == 200
        origin, size, root = second.headers["X-Log-Checkpoint"].split()
        published = open_checkpoint(client.get("/log/checkpoint").content, log=served.world.log_vkey, origin=ORIGIN)
        assert (origin, int(size), root) == (ORIGIN, published.size, published.root.hex())
        assert int(size) == first.json()["as_of"]["size"] + 1
