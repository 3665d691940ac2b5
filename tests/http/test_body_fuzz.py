"""Any bytes at all as the body of every route that takes one: refused with a reason, and nothing of it in the log.

Covers THREATS C01 to C24, H01, H04, S07; the bodies are random bytes, statements that were touched, and documents
that parsers are known to disagree about, signed or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.core.jws import open_jws
from ledger.core.strict import to_base64url
from tests.cast import sign_with
from tests.domain.scene import Scene
from tests.http.conftest import Served, keep_log_key, serving
from tests.http.varied import Kept
from tests.ledgers import require_whole

# In the manner of JSONTestSuite: each is refused, or read in one way alone.
NASTY = (
    *(b"", b" ", b"null", b"true", b"0", b"-0", b"1e400", b"[]", b"{}", b"[1,]", b"{,}", b'{"a"}', b"[\x00]"),
    *(b"\xef\xbb\xbf{}", b'{"a":1,"a":2}', b'{"a":1,"\\u0061":2}', b"[NaN]", b"[Infinity]", b"[1.0]", b"[+1]"),
    *(b"[01]", b"[0x1]", b"[1_000]", b'["\\ud800"]', b'["\\udc00\\ud800"]', b'["\xff"]', b'["\xc0\xaf"]'),
    *(b'["\xed\xa0\x80"]', b"['a']", b"[1]//", b"[1]{}", "{}".encode("utf-16"), "{}".encode("utf-32")),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"[" * 33 + b"]" * 33, b"9" * 5_000, b'"' + b"a" * 40_000 + b'"'),
    *(b"{" + b",".join(b'"k%d":1' % at for at in range(5_000)) + b"}", b"a" * 49_152, b"a.b.c", b"a.b.c\n"),
    *(b"...", b"..", b"e30.e30.", b".e30.AA", b"e30.e30.AA.AA.AA", b"\r\n.\r\n", b"%PDF-1.7", b"PK\x03\x04"),
    *(b"\x1f\x8b\x08\x00", b"<?xml version='1.0'?><!DOCTYPE a>", b"--x\r\n\r\n--x--"),
)
OTHER_TYPES = (
    *("application/json", "text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", ""),
)


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Kept]]:
    directory = tmp_path_factory.mktemp("bodies") / "log"
    kept = Kept(directory)
    keep_log_key(directory)
    with kept.ledger, serving(directory, kept.scene.world) as served:
        yield served, kept


@pytest.fixture(scope="module")
def client(target: tuple[Served, Kept]) -> Iterator[httpx.Client]:
    with target[0].client() as one:
        yield one


@pytest.fixture(scope="module")
def takers(client: httpx.Client) -> list[tuple[str, str, str]]:
    """(verb, path, content type) of everything that takes a body; in the path stands the example, or a digest."""
    found = []
    for path, verbs in client.get("/openapi.json").json()["paths"].items():
        for verb, operation in verbs.items():
            filled = path
            for one in operation.get("parameters", ()):
                if one["in"] == "path":
                    filled = filled.replace(f"{{{one['name']}}}", str(one.get("example", "0" * 64)))
            found += [(verb, filled, kind) for kind in operation.get("requestBody", {}).get("content", {})]
    return found


def refused(client: httpx.Client, verb: str, path: str, content_type: str, body: bytes) -> None:
    """What was sent is refused as a problem, or as lines of problems; never taken, never a fault of ours."""
    headers = {"Content-Type": content_type} if content_type else {}
    answer = client.request(verb, path, content=body, headers=headers)
    assert answer.status_code < 500, answer.text
    assert answer.status_code != 201, answer.text
    if answer.status_code >= 400:
        assert answer.json()["code"]


def touch(statement: bytes, draw: Any) -> bytes:
    """A statement of which at least one byte is another, or which is shorter, longer or in another order."""
    at = draw(st.integers(0, len(statement) - 1))
    how = draw(st.sampled_from(["flip", "cut", "insert", "drop", "swap", "double", "byte"]))
    if how == "flip":
        return statement[:at] + bytes([statement[at] ^ (1 << draw(st.integers(0, 7)))]) + statement[at + 1 :]
    if how == "cut":
        return statement[:at]
    if how == "insert":
        return statement[:at] + draw(st.binary(min_size=1, max_size=20)) + statement[at:]
    if how == "drop":
        return statement[:at] + statement[at + 1 + draw(st.integers(0, 30)) :]
    if how == "swap":
        return b".".join(draw(st.permutations(statement.split(b"."))))
    if how == "double":
        return statement[:at] + statement[at : at + draw(st.integers(1, 200))] + statement[at:]
    return statement[:at] + bytes([draw(st.integers(0, 255))]) + statement[at + 1 :]


@settings(max_examples=250, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_touched_statement_is_never_recorded(
    target: tuple[Served, Kept], client: httpx.Client, data: st.DataObject
) -> None:
    scene: Scene = target[1].scene
    fresh = scene.world.claim(counted_by=("meter:fuzz",))
    body = touch(fresh, data.draw)
    if body != fresh:
        refused(client, "post", "/v1/statements", "application/vc+jwt", body)


@settings(max_examples=150, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_are_refused_everywhere(
    client: httpx.Client, takers: list[tuple[str, str, str]], data: st.DataObject
) -> None:
    verb, path, content_type = data.draw(st.sampled_from(takers))
    body = data.draw(
        st.binary(max_size=300) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass"))
    )
    refused(client, verb, path, data.draw(st.sampled_from([content_type, content_type, *OTHER_TYPES])), body)


def test_documents_that_parsers_disagree_about_are_refused_everywhere(
    client: httpx.Client, takers: list[tuple[str, str, str]]
) -> None:
    for verb, path, content_type in takers:
        for body in NASTY:
            for one in (content_type, *OTHER_TYPES):
                refused(client, verb, path, one, body)


def test_signed_nonsense_is_nonsense(target: tuple[Served, Kept], client: httpx.Client) -> None:
    """Properly signed by a registered key, so that the payload is read: as it is, or with one member put in."""
    scene: Scene = target[1].scene
    payload = open_jws(scene.world.claim(counted_by=("meter:signed",))).payload
    touched = [payload.replace(b'"id":', b'"id":"x","id":', 1), payload + b" ", b" " + payload, payload[:-1]]
    for member in (b'"org_id":"x"', b'"role":"operator"', b'"status":"verified"', b'"index":0', b'"verified":true'):
        touched += [payload.replace(b'{"', b"{" + member + b',"', 1), payload[:-1] + b"," + member + b"}"]
        touched.append(payload.replace(b'"credentialSubject":{', b'"credentialSubject":{' + member + b","))
    header = scene.world.claim().split(b".")[0]
    for body in (*NASTY, *touched):
        signing_input = header + b"." + to_base64url(body).encode()
        signed = signing_input + b"." + to_base64url(sign_with("carrier:claimant")(signing_input)).encode()
        refused(client, "post", "/v1/statements", "application/vc+jwt", signed)


def test_zz_nothing_of_it_is_in_the_log(target: tuple[Served, Kept]) -> None:
    assert require_whole(target[1].ledger) == target[1].entries
