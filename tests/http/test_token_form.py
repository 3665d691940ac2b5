"""The form that carries an assertion, and the scopes that it asks for.

Covers THREATS H04, H08, H11, H13, S14.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.conftest import Served
from tests.http.parties import CARRIER, FORM, ask, assertion, code_of

FORMS: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "missing_parameter"),
    "no assertion": (FORM, "missing_parameter"),
    "another grant": ({**FORM, "client_assertion": "x", "grant_type": "password"}, "bad_parameter"),
    "another kind": ({**FORM, "client_assertion": "x", "client_assertion_type": "saml"}, "bad_parameter"),
    "a secret": ({**FORM, "client_assertion": "x", "client_secret": "x"}, "unknown_parameter"),
    "a role": ({**FORM, "client_assertion": "x", "role": "operator"}, "unknown_parameter"),
    "a thing twice": (b"grant_type=client_credentials&grant_type=client_credentials", "repeated_parameter"),
    "no form": (b"{}", "bad_form"),
    "no ASCII": ("grant_type=é".encode(), "bad_form"),
    "no UTF-8 behind its escapes": (b"grant_type=%ff", "bad_form"),
    "many fields": (b"&".join(b"a%d=1" % n for n in range(100)), "bad_form"),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_read_strictly(served: Served, name: str) -> None:
    body, code = FORMS[name]
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with served.client() as client:
        given = {"content": body} if isinstance(body, bytes) else {"data": body}
        assert code_of(client.post("/v1/token", headers=headers, **given)) == (400, code)


def test_the_form_has_one_content_type_and_a_limit(served: Served) -> None:
    with served.client() as client:
        assert code_of(client.post("/v1/token", json={})) == (415, "wrong_content_type")
        assert code_of(client.post("/v1/token", data={"grant_type": "x" * 40_000})) == (413, "too_large")
        assert client.get("/v1/token").status_code == 405


@pytest.mark.parametrize(
    ("scope", "outcome"),
    [
        ("drafts", "drafts"),
        ("webhooks drafts", "drafts webhooks"),
        ("operate", None),
        ("", None),
        ("drafts  webhooks", None),
        ("drafts\tx", None),
    ],
)
def test_scopes_are_some_of_those_that_roles_allow(served: Served, scope: str, outcome: str | None) -> None:
    with served.client() as client:
        answer = ask(client, assertion(served.world, "carrier", CARRIER), scope=scope)
    assert (answer.json().get("scope") if outcome else code_of(answer)) == (outcome or (400, "bad_scope"))


def test_a_verifier_may_not_ask_to_write_evidence(served: Served) -> None:
    with served.client() as client:
        made = assertion(served.world, "verifier", "verifier:verifier")
        assert code_of(ask(client, made, scope="evidence:write")) == (400, "bad_scope")


def test_the_host_header_names_no_audience(served: Served) -> None:
    """An assertion made out to a host that somebody invented is none of ours, whatever the request says."""
    made = assertion(served.world, "carrier", CARRIER, aud="http://evil.example/v1/token")
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    with served.client() as client:
        answer = client.post("/v1/token", data={**FORM, "client_assertion": made}, headers=headers)
    assert code_of(answer) == (401, "bad_assertion")
