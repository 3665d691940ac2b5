"""Reading with what nobody should send: ids of nothing, texts that mean something to SQL, parameters twice.

Covers THREATS H05, H06, H07, H12, H13, H15, H20.
"""

from __future__ import annotations

import time
from urllib.parse import quote

import httpx
import pytest

from api.wire import TARGET_BYTES_MAX
from ledger.domain import records
from ledger.service.asking import CURSOR_CHARACTERS_MAX, LIMIT_MAX, PARAMETERS
from tests.http.conftest import Varied
from tests.http.test_statements import require_problem

THINGS = ("claims", "attestations", "parties", "accreditations", "methodologies", "factor-sets", "targets")
NUMBERED = "certificates"
INJECTIONS = (
    "' OR '1'='1",
    "'; DROP TABLE entry; --",
    '" UNION SELECT bytes FROM entry --',
    "1) OR (1=1",
    "%' OR 1=1 /*",
    "\\' OR 1=1 --",
    "%",
    "_",
    "*",
    "\x00",
    "a\r\nSet-Cookie: a=b",
    "\ud7ff\U0010ffff",
    "{{7*7}}",
    "$(id)",
    "../../ledger.db",
    "DE' AND sleep(5) --",
)
ODD = (
    *("%00", "..", "%2e%2e", "%2e%2e%2fledger.db", "..%5c..%5c", "%2F", "%ff", "%c0%ae", "%", "%zz", "a%0d%0ab"),
    *("null", "0", "-1", "1e3", "%20", "%E2%80%AE", "%F0%9F%98%80", "x" * 10_000, "%41" * 3_000),
)


def ids_of(varied: Varied) -> dict[str, str]:
    """One id of each kind."""
    state = varied.kept.state
    shapes = dict(
        zip(
            (*THINGS, NUMBERED),
            (
                *(records.ClaimRecord, records.AttestationRecord, records.PartyRecord, records.AccreditationRecord),
                *(records.MethodologyRecord, records.FactorSetRecord, records.TargetRecord, records.CertificateRecord),
            ),
            strict=True,
        )
    )
    return {name: str(state.all(shape)[0].identity[0]) for name, shape in shapes.items()}


def test_an_id_of_one_kind_is_no_id_of_another(varied: Varied) -> None:
    ids = ids_of(varied)
    with varied.client() as client:
        for name in ids:
            for other, identity in ids.items():
                answer = client.get(f"/v1/{name}/{quote(identity, safe='')}")
                if name == other:
                    assert answer.status_code == 200
                    continue
                # A party's id holds slashes, which elsewhere lead to no address at all.
                code = "no_route" if other == "parties" else "unknown_id"
                require_problem(answer, status=404, code=code)
                if name == "claims":
                    require_problem(client.get(f"{answer.url}/bundle"), status=404, code=code)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd[:20])
def test_an_odd_id_is_nothing(varied: Varied, odd: str) -> None:
    """Sent as it is: httpx would mend some of them."""
    with varied.client() as client:
        for name in (*THINGS, NUMBERED):
            for path in (
                f"/v1/{name}/{odd}",
                f"/v1/{name}/{odd}/1",
                f"/v1/{name}/{odd}/bundle",
                f"/v1/{name}/{odd}.pdf",
            ):
                raw = httpx.URL(varied.served.url).copy_with(raw_path=path.encode())
                answer = client.get(raw)
                if len(path) > TARGET_BYTES_MAX:  # refused before any route
                    require_problem(answer, status=414, code="target_too_long")
                    continue
                assert answer.status_code == 404, (path[:80], answer.text)
                assert answer.json()["code"] in {"unknown_id", "no_route"}


def test_a_version_has_one_spelling(varied: Varied) -> None:
    with varied.client() as client:
        assert client.get("/v1/methodologies/adopted/2").status_code == 200
        for version in ("0", "3", "02", "+2", "2.0", "%32%20", "-1", str(2**64), "9" * 5_000, "\u00b2", "\uff12"):
            answer = client.get(f"/v1/methodologies/adopted/{version}")
            require_problem(answer, status=404, code="unknown_id")


def test_two_spellings_of_an_address_are_one_answer(varied: Varied) -> None:
    """A reserved character may be escaped or not; what comes of it is the same, to the tag."""
    ids = ids_of(varied)
    with varied.client() as client:
        for name in ("claims", "parties"):
            one = client.get(f"/v1/{name}/{quote(ids[name], safe='')}")
            other = client.get(f"/v1/{name}/{quote(ids[name], safe=':/')}")
            every = "".join(f"%{byte:02X}" for byte in ids[name].encode())
            third = client.get(httpx.URL(varied.served.url).copy_with(raw_path=f"/v1/{name}/{every}".encode()))
            assert one.status_code == 200
            assert one.content == other.content == third.content
            assert one.headers["ETag"] == other.headers["ETag"] == third.headers["ETag"]


def test_no_text_in_any_parameter_means_anything_but_itself(varied: Varied) -> None:
    with varied.client() as client:
        for name, parameters in PARAMETERS.items():
            for parameter in (*parameters, "limit", "cursor"):
                for text in INJECTIONS:
                    given = {parameter: text, **({"verifier": "urn:lei:a"} if name == "queue" else {})}
                    given[parameter] = text
                    answer = client.get(f"/v1/{name}", params=given)
                    if answer.status_code == 200:  # free text, such as a registry's name: nothing bears that one
                        assert answer.json()["items"] == [], given
                    else:
                        code = "bad_cursor" if parameter == "cursor" else "bad_parameter"
                        require_problem(answer, status=422, code=code)
                    assert answer.headers.get_list("set-cookie") == []


def test_parameters_are_known_and_given_once(varied: Varied) -> None:
    with varied.client() as client:
        for name, parameters in PARAMETERS.items():
            verifier = "verifier=urn:lei:a&" if name == "queue" else ""
            for wrong in ("x=1", "order=index", "%00=1", "Limit=5", "limit[]=5", "=", "index=1", "org_id=1"):
                answer = client.get(f"/v1/{name}?{verifier}{wrong}")
                require_problem(answer, status=422, code="unknown_parameter")
            for parameter in (*parameters, "limit", "cursor"):
                answer = client.get(f"/v1/{name}?{parameter}=1&{parameter}=1")
                require_problem(answer, status=422, code="repeated_parameter")
        ids = ids_of(varied)
        single = [f"/v1/{name}/{quote(identity, safe='')}" for name, identity in ids.items()]
        single += ["/v1/totals", "/v1/goals", "/v1/programme", "/v1/entries/1", "/v1/entries/1/proof"]
        single += [f"{single[0]}/bundle", f"{single[-6]}.pdf", f"{single[-6]}.json"]
        for path in single:
            require_problem(client.get(f"{path}?id=1&id=2"), status=422, code="unknown_parameter")
        require_problem(client.get("/v1/queue"), status=422, code="missing_parameter")


def test_a_limit_is_within_bounds(varied: Varied) -> None:
    with varied.client() as client:
        for limit in ("0", "-1", "01", "1.0", "1e1", " 1", "\u0661", "", str(LIMIT_MAX + 1), str(10**9), "9" * 5_000):
            answer = client.get("/v1/claims", params={"limit": limit})
            require_problem(answer, status=422, code="bad_parameter")
        for limit in (1, LIMIT_MAX):
            assert 1 <= len(client.get("/v1/claims", params={"limit": limit}).json()["items"]) <= limit


def test_a_cursor_is_one_that_a_page_gave(varied: Varied) -> None:
    with varied.client() as client:
        good = client.get("/v1/claims", params={"limit": "1"}).json()["next"]
        cut, other = good[:-1], good[:-1] + ("A" if good[-1] != "A" else "Q")
        for cursor in ("", "x", cut, other, good + "=", good + "A", good.swapcase(), "A" * (CURSOR_CHARACTERS_MAX + 1)):
            answer = client.get("/v1/claims", params={"cursor": cursor})
            require_problem(answer, status=422, code="bad_cursor")
        for filters in ({"country": "DE"}, {"status": "verified", "country": "DE"}):
            answer = client.get("/v1/claims", params={**filters, "cursor": good})
            require_problem(answer, status=422, code="bad_cursor")


RANGES = ("bytes=0-0", "bytes=-1", "bytes=5-1", "bytes=0-,0-,0-", "bytes=" + ",".join(["0-"] * 5_000), "items=0-5", "x")


@pytest.mark.parametrize("ranges", RANGES, ids=lambda text: text[:20])
def test_a_range_is_answered_with_the_whole_and_at_once(varied: Varied, ranges: str) -> None:
    with varied.client() as client:
        for path in ("/log/tile/entries/000.p/200", "/log/tile/0/000.p/200", "/log/checkpoint", "/v1/entries/0"):
            whole = client.get(path)
            begun = time.perf_counter()
            answer = client.get(path, headers={"Range": ranges, "If-Range": '"x"'})
            assert time.perf_counter() - begun < 2
            assert (answer.status_code, answer.content) == (200, whole.content)
            assert "Content-Range" not in answer.headers


def test_other_headers_change_nothing(varied: Varied) -> None:
    """H08: what is not part of the question is no part of the answer."""
    lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Original-URL": "/v1/totals"}
    with varied.client() as client:
        for path in ("/v1/claims", "/v1/programme", "/log/checkpoint", "/openapi.json"):
            plain, asked = client.get(path), client.get(path, headers={**lies, "X-Forwarded-Proto": "gopher"})
            assert asked.content == plain.content
            assert "evil" not in asked.text
            assert "evil" not in str(asked.headers)
