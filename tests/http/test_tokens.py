"""Access tokens: obtained with a registered key, strictly read, dead with the key.

Covers THREATS S07 to S14, S16, S17, M15, M16, T16, T17.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from api.service_keys import TOKEN_KEY, WEBHOOK_KEY
from keys.keyfile import KeyRing, load_private, read_ring
from tests.cast import key_of, public, sign_with
from tests.http.conftest import Served
from tests.http.parties import (
    AUDIENCE,
    DROP,
    FORM,
    ask,
    assertion,
    bearer,
    claims_of,
    code_of,
    encoded,
    header_of,
    seal,
    token,
)
from tests.world import HOST

CARRIER = "carrier:claimant"
ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group of Ed25519


def test_a_registered_key_gets_a_token_that_says_what_it_is(served: Served) -> None:
    with served.client() as client:
        answer = ask(client, assertion(served.world, "carrier", CARRIER))
        keys = client.get("/.well-known/jwks.json").json()["keys"]
    body = answer.json()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 600)
    assert body["scope"] == "drafts evidence:read evidence:write webhooks"
    public = jwt.PyJWK(keys[0]).key
    claims = jwt.decode(body["access_token"], public, algorithms=["EdDSA"], audience=HOST, issuer=HOST)
    header = jwt.get_unverified_header(body["access_token"])
    party = served.world.party_id("carrier")
    assert header == {"alg": "EdDSA", "typ": "at+jwt", "kid": keys[0]["kid"]}
    assert claims["sub"] == claims["client_id"] == party
    assert claims["exp"] - claims["iat"] == 600
    assert claims["key"] == served.world.kid("carrier", CARRIER).key_text


def test_another_library_signs_it_in_ten_lines(served: Served) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(key_of(CARRIER)))
    headers = {"typ": "client-authentication+jwt", "kid": str(served.world.kid("carrier", CARRIER))}
    made = jwt.encode(claims_of(served.world, "carrier"), key, algorithm="EdDSA", headers=headers)
    with served.client() as client:
        assert ask(client, made).status_code == 200


def test_published_keys_are_two_public_ones_under_their_thumbprints(served: Served) -> None:
    with served.client() as client:
        answer = client.get("/.well-known/jwks.json")
    keys = answer.json()["keys"]
    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    assert len({key["kid"] for key in keys}) == 2
    for key in keys:
        assert set(key) == {"alg", "crv", "kid", "kty", "use", "x"}
        thumb = json.dumps({"crv": key["crv"], "kty": key["kty"], "x": key["x"]}, separators=(",", ":"))
        digest = hashlib.sha256(thumb.encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == key["kid"]


Make = Callable[[Served], str]


def changed(header: dict[str, Any] | None = None, *, party: str = "carrier", key: str = CARRIER, **claims: Any) -> Make:
    return lambda served: assertion(served.world, party, key, header=header, **claims)


def raw(header: Callable[[Served], Any] | None = None, claims: Callable[[Served], Any] | None = None) -> Make:
    """Bytes for header or claims that no JSON writer would make."""

    def make(served: Served) -> str:
        said = header(served) if header else header_of(served.world, "carrier", CARRIER)
        return seal(said, claims(served) if claims else claims_of(served.world, "carrier"), sign_with(CARRIER))

    return make


def text_claims(served: Served, **changes: str) -> bytes:
    """Claims in which some values are spelled by hand."""
    said = {name: json.dumps(value) for name, value in claims_of(served.world, "carrier").items()} | changes
    return ("{" + ",".join(f'"{name}":{value}' for name, value in said.items()) + "}").encode()


def hs256(spelling: Callable[[bytes], bytes]) -> Make:
    """Signed with the public key as if it were a secret."""

    def make(served: Served) -> str:
        header = {**header_of(served.world, "carrier", CARRIER), "alg": "HS256"}
        secret = spelling(bytes(key_of(CARRIER).verify_key))
        return seal(
            header,
            claims_of(served.world, "carrier"),
            lambda message: hmac.new(secret, message, hashlib.sha256).digest(),
        )

    return make


def pem(key: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = Ed25519PublicKey.from_public_bytes(key)
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(key: bytes) -> bytes:
    return json.dumps({"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(key).decode()}).encode()


def mangled(change: Callable[[str], str]) -> Make:
    return lambda served: change(assertion(served.world, "carrier", CARRIER))


def signature(change: Callable[[bytes], str]) -> Make:
    """The signature's bytes in another spelling, or others."""

    def make(served: Served) -> str:
        head, _, given = assertion(served.world, "carrier", CARRIER).rpartition(".")
        return f"{head}.{change(base64.urlsafe_b64decode(given + '=='))}"

    return make


def url64(raw_bytes: bytes) -> str:
    return base64.urlsafe_b64encode(raw_bytes).rstrip(b"=").decode()


def spare_bits(text: str) -> str:
    """Another last character that decodes to the same bytes."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]


def jwe(served: Served) -> str:
    header = encoded({"alg": "dir", "enc": "A128GCM", "zip": "DEF"})
    return f"{header}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"


def nested(served: Served) -> str:
    inner = assertion(served.world, "carrier", CARRIER).encode()
    return seal({**header_of(served.world, "carrier", CARRIER), "cty": "JWT"}, inner, sign_with(CARRIER))


def soon(seconds: int) -> int:
    return int(time.time()) + seconds


HOSTILE: dict[str, Make] = {
    # S07
    "signature of 63 bytes": signature(lambda raw_bytes: url64(raw_bytes[:63])),
    "signature of 65 bytes": signature(lambda raw_bytes: url64(raw_bytes + b"\0")),
    "no signature": signature(lambda raw_bytes: ""),
    "signature in hex": signature(lambda raw_bytes: raw_bytes.hex()),
    "signature in base64": signature(lambda raw_bytes: base64.b64encode(raw_bytes).decode()),
    "signature with padding": signature(lambda raw_bytes: base64.urlsafe_b64encode(raw_bytes).decode()),
    "signature with spare bits": signature(lambda raw_bytes: spare_bits(url64(raw_bytes))),
    "signature with its last byte turned": signature(lambda r: url64(r[:-1] + bytes([r[-1] ^ 1]))),
    "signature plus the order of the group": signature(
        lambda r: url64(r[:32] + (int.from_bytes(r[32:], "little") + ORDER).to_bytes(32, "little"))
    ),
    "white space": mangled(lambda text: text + "\n"),
    "white space within": mangled(lambda text: text.replace(".", ". ", 1)),
    # S08
    **{
        f"alg {alg!r}": changed({"alg": alg})
        for alg in ("none", "None", "nOnE", "", "ES256", "Ed25519", "eddsa", DROP, None, ["EdDSA"])
    },
    "alg none, unsigned": lambda served: (
        f"{encoded({**header_of(served.world, 'carrier', CARRIER), 'alg': 'none'})}"
        f".{encoded(claims_of(served.world, 'carrier'))}."
    ),
    # S09
    "HS256 with the raw key": hs256(bytes),
    "HS256 with the key in hex": hs256(lambda key: key.hex().encode()),
    "HS256 with the key in PEM": hs256(pem),
    "HS256 with the key as JWK": hs256(jwk),
    # S10
    "kid is a path": changed({"kid": "../../dev/null"}),
    "kid is a path with a key": changed({"kid": "../../etc/passwd#ed25519." + "A" * 43}),
    "kid is SQL": changed({"kid": "' OR 1=1 --"}),
    "kid is SQL with a key": changed({"kid": "x'/**/OR/**/1=1--#ed25519." + "A" * 43}),
    "kid of 10 kB": changed({"kid": "k" * 10_240}),
    "kid of 2 kB": changed({"kid": "k" * 2_048}),
    "kid is a list": changed({"kid": ["a"]}),
    "kid is a number": changed({"kid": 1}),
    "no kid": changed({"kid": DROP}),
    "key that nobody registered": changed(key="nobody:claimant"),
    "key of another party": changed(key="plant:claimant"),
    "another party under its own kid": lambda served: assertion(
        served.world, "carrier", "plant:claimant", header={"kid": str(served.world.kid("plant", "plant:claimant"))}
    ),
    "root key": changed(party="operator", key="root0"),
    "log key": changed(party="operator", key="log"),
    # S11, S12
    **{
        f"header {name}": changed({name: value})
        for name, value in {
            "jku": "http://127.0.0.1:1/keys",
            "x5u": "http://127.0.0.1:1/cert",
            "jwk": {"kty": "OKP"},
            "x5c": ["MIIB"],
            "crit": ["exp"],
            "b64": False,
            "zip": "DEF",
            "cty": "JWT",
        }.items()
    },
    "crit and b64": changed({"crit": ["b64"], "b64": False}),
    # S13
    "expired": changed(iat=soon(-400), exp=soon(-100)),
    "not yet": changed(nbf=soon(200)),
    "from the future": changed(iat=soon(200), exp=soon(300)),
    "no exp": changed(exp=DROP),
    "no iat": changed(iat=DROP),
    "exp is text": changed(exp=str(soon(100))),
    "exp is a fraction": changed(exp=soon(100) + 0.5),
    "exp is a whole float": raw(claims=lambda served: text_claims(served, exp=f"{soon(100)}.0")),
    "exp is 1e308": raw(claims=lambda served: text_claims(served, exp="1e308")),
    "exp is 1e999": raw(claims=lambda served: text_claims(served, exp="1e999")),
    "exp is Infinity": raw(claims=lambda served: text_claims(served, exp="Infinity")),
    "exp is NaN": raw(claims=lambda served: text_claims(served, exp="NaN")),
    "exp has 5,000 digits": raw(claims=lambda served: text_claims(served, exp="9" * 2_000)),
    "exp is true": changed(exp=True),
    "exp is null": changed(exp=None),
    "exp is a list": changed(exp=[soon(100)]),
    "iat is text": changed(iat=str(soon(0))),
    "iat is below zero": changed(iat=-1),
    "ten years long": changed(exp=soon(315_360_000)),
    "301 seconds long": changed(iat=soon(0), exp=soon(301)),
    "ends as it begins": changed(iat=soon(20), exp=soon(20)),
    # S14
    "aud of another service": changed(aud="https://other.example/v1/token"),
    "aud is the service alone": changed(aud=HOST),
    "aud is a list": changed(aud=[AUDIENCE]),
    "aud is several": changed(aud=[AUDIENCE, "https://other.example"]),
    "no aud": changed(aud=DROP),
    "iss of another": changed(iss=f"{HOST}/parties/plant"),
    "sub of another": changed(sub=f"{HOST}/parties/plant"),
    "iss and sub of another": changed(iss=f"{HOST}/parties/plant", sub=f"{HOST}/parties/plant"),
    "sub is a list": changed(sub=[f"{HOST}/parties/carrier"]),
    **{f"typ {typ!r}": changed({"typ": typ}) for typ in ("JWT", "at+jwt", "vc+jwt", "", DROP, None)},
    "a statement": lambda served: served.world.claim().decode(),
    "an access token": lambda served: token(served, "carrier"),
    "jti is short": changed(jti="1"),
    "jti is long": changed(jti="j" * 200),
    "jti is a number": changed(jti=12345678),
    "no jti": changed(jti=DROP),
    "an unknown claim": changed(role="operator"),
    # S16
    "sub twice": raw(
        claims=lambda served: text_claims(served)[:-1] + f',"sub":"{HOST}/parties/plant"}}'.encode(),
    ),
    "sub twice, spelled otherwise": raw(
        claims=lambda served: text_claims(served)[:-1] + f',"s\\u0075b":"{HOST}/parties/carrier"}}'.encode(),
    ),
    "alg twice": raw(
        header=lambda served: b'{"alg":"none",' + json.dumps(header_of(served.world, "carrier", CARRIER)).encode()[1:]
    ),
    "nested": nested,
    "JWE": jwe,
    "claims are a list": raw(claims=lambda served: b"[]"),
    "claims are nothing": raw(claims=lambda served: b""),
    "claims with a mark before": raw(claims=lambda served: b"\xef\xbb\xbf" + text_claims(served)),
    "claims in UTF-16": raw(claims=lambda served: text_claims(served).decode().encode("utf-16")),
    "claims that are no UTF-8": raw(claims=lambda served: b'{"iss":"\xff"}'),
    "claims deeper than a parser goes": raw(claims=lambda served: b"[" * 2_000),
    "claims with half a character": raw(claims=lambda served: text_claims(served, aud='"\\ud800"')),
    "a type with half a character": raw(header=lambda served: b'{"alg":"EdDSA","kid":"\\ud800","typ":"\\ud800"}'),
    # S17
    "a trailing =": mangled(lambda text: text + "="),
    "a trailing ==": mangled(lambda text: text + "=="),
    "two parts": mangled(lambda text: text.rpartition(".")[0]),
    "four parts": mangled(lambda text: text + ".AAAA"),
    "nothing": mangled(lambda text: ""),
    "no ASCII": mangled(lambda text: "é" + text),
    "100 kB": lambda served: "A" * 6_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_assertion_gets_nothing(served: Served, name: str) -> None:
    with served.client() as client:
        answer = ask(client, HOSTILE[name](served))
    assert code_of(answer) == (401, "bad_assertion")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_assertion_serves_once(served: Served) -> None:
    made = assertion(served.world, "carrier", CARRIER)
    again = assertion(served.world, "carrier", CARRIER, jti="the same jti again".replace(" ", "-"))
    third = assertion(served.world, "carrier", CARRIER, jti="the-same-jti-again", exp=soon(60))
    other = assertion(served.world, "plant", "plant:claimant", jti="the-same-jti-again")
    with served.client() as client:
        answers = [ask(client, one) for one in (made, made, again, third, other)]
    found = [code_of(answer) if answer.is_error else answer.status_code for answer in answers]
    assert found == [200, (401, "assertion_used"), 200, (401, "assertion_used"), 200]


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


# The token itself


def forged(header: dict[str, Any] | None = None, **claims: Any) -> Make:
    """A true token's header and claims, changed, signed by somebody else's key."""

    def make(served: Served) -> str:
        true = token(served, "carrier")
        said = jwt.decode(true, options={"verify_signature": False})
        return seal({**jwt.get_unverified_header(true), **(header or {})}, {**said, **claims}, sign_with(CARRIER))

    return make


def of_true(change: Callable[[str], str]) -> Make:
    return lambda served: change(token(served, "carrier"))


TOKENS: dict[str, Make] = {
    "a letter": lambda served: "x",
    "words": lambda served: "let me in",
    "signed by the party itself": forged(),
    "with the operator as sub": forged(sub=f"{HOST}/parties/operator", client_id=f"{HOST}/parties/operator"),
    "alg none": lambda served: token(served, "carrier").rpartition(".")[0].replace(
        encoded({"alg": "EdDSA"}), encoded({"alg": "none"})
    ) + ".",
    "another kid": forged({"kid": "x"}),
    "a header more": forged({"jku": "http://127.0.0.1:1/"}),
    "typ JWT": forged({"typ": "JWT"}),
    "a trailing =": of_true(lambda text: text + "="),
    "a part more": of_true(lambda text: text + ".x"),
    "spare bits": of_true(spare_bits),
    "its claims changed": of_true(lambda text: ".".join(
        part if at != 1 else encoded({**json.loads(base64.urlsafe_b64decode(part + "==")), "scope": "x"})
        for at, part in enumerate(text.split("."))
    )),
    "an assertion": lambda served: assertion(served.world, "carrier", CARRIER),
    "a statement": lambda served: served.world.claim().decode(),
    "10 kB": lambda served: "A" * 10_240,
    "no ASCII": lambda served: token(served, "carrier") + "\xe9",
}  # fmt: skip


@pytest.mark.parametrize("name", TOKENS)
def test_a_hostile_token_opens_nothing(served: Served, name: str) -> None:
    value = b"Bearer " + TOKENS[name](served).encode("latin-1")
    with served.client() as client:
        answer = client.get("/v1/drafts", headers=[(b"Authorization", value)])
    assert code_of(answer) == (401, "bad_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


SAID: dict[str, dict[str, Any]] = {
    "expired": {"iat": soon(-700), "exp": soon(-100)},
    "exp is text": {"exp": str(soon(100))},
    "exp is 1e308": {"exp": 1e308},
    "no exp": {"exp": DROP},
    "no jti": {"jti": DROP},
    "no key": {"key": DROP},
    "for another service": {"aud": "https://other.example"},
    "for a list of services": {"aud": [HOST]},
    "of another service": {"iss": "https://other.example"},
    "of a party that is none": {"sub": f"{HOST}/parties/x", "client_id": f"{HOST}/parties/x"},
    "of another party than the key's": {"sub": f"{HOST}/parties/plant", "client_id": f"{HOST}/parties/plant"},
    "with another client": {"client_id": f"{HOST}/parties/plant"},
    "with an unregistered key": {"key": public("nobody:claimant")},
    "with a root's key": {"key": public("root0")},
    "with a role": {"role": "operator"},
    "with scopes as a list": {"scope": ["drafts"]},
}


@pytest.mark.parametrize("name", SAID)
def test_even_the_services_own_key_makes_no_other_token(served: Served, name: str) -> None:
    """What would come of a bug of ours, or of a token of another service with this key."""
    key = own_key(served)
    true = token(served, "carrier")
    header = jwt.get_unverified_header(true)
    said = {**jwt.decode(true, options={"verify_signature": False}), **SAID[name]}
    ordered = {member: said[member] for member in sorted(said) if said[member] is not DROP}
    with served.client() as client:
        answer = client.get("/v1/drafts", headers=bearer(seal(header, ordered, key.sign)))
    assert code_of(answer) == (401, "bad_token")


def test_the_services_own_key_makes_true_tokens(served: Served) -> None:
    """The table above fails for what it changes, and for nothing else."""
    true = token(served, "carrier")
    said = jwt.decode(true, options={"verify_signature": False})
    made = seal(jwt.get_unverified_header(true), dict(sorted(said.items())), own_key(served).sign)
    webhook = seal(jwt.get_unverified_header(true), dict(sorted(said.items())), own_key(served, WEBHOOK_KEY).sign)
    with served.client() as client:
        assert client.get("/v1/drafts", headers=bearer(made)).status_code == 200
        assert code_of(client.get("/v1/drafts", headers=bearer(webhook))) == (401, "bad_token")


@cache
def ring_of(directory: Path) -> KeyRing:
    return read_ring(directory / "keys" / "log.age", "open")


def own_key(served: Served, name: str = TOKEN_KEY) -> Ed25519PrivateKey:
    key = load_private(next(one for one in ring_of(served.directory).keys if one.name == name))
    assert isinstance(key, Ed25519PrivateKey)
    return key


def test_a_token_is_taken_from_one_header_alone(served: Served) -> None:
    good = token(served, "carrier")
    with served.client() as client:
        assert client.get("/v1/drafts", headers=bearer(good)).status_code == 200
        assert code_of(client.get("/v1/drafts")) == (401, "no_token")
        assert code_of(client.get("/v1/drafts", params={"access_token": good})) == (401, "no_token")
        for value in (f"Basic {good}", good, f"Bearer  {good}", f"Bearer {good},"):
            assert code_of(client.get("/v1/drafts", headers={"Authorization": value})) == (401, "bad_token")
        twice = [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")]
        assert code_of(client.get("/v1/drafts", headers=twice)) == (401, "bad_token")


def test_a_token_is_good_for_its_scopes_alone(served: Served) -> None:
    narrow = token(served, "carrier", scope="webhooks")
    with served.client() as client:
        assert code_of(client.get("/v1/drafts", headers=bearer(narrow))) == (403, "scope_too_small")


@pytest.mark.parametrize("make", [assertion, lambda world, party, key: None], ids=["an assertion", "a token"])
def test_neither_assertion_nor_token_is_a_statement(served: Served, make: Any) -> None:
    """Same key, other bytes: the type in the header keeps them apart."""
    body = make(served.world, "carrier", CARRIER) or token(served, "carrier")
    with served.client() as client:
        answer = client.post("/v1/statements", content=body, headers={"Content-Type": "application/vc+jwt"})
    assert code_of(answer) == (400, "bad_header")


def test_what_was_tried_left_the_log_alone(served: Served) -> None:
    """A token and a refusal are no entries."""
    with served.client() as client:
        size = client.get("/log/checkpoint").text.splitlines()[1]
        ask(client, assertion(served.world, "carrier", CARRIER))
        ask(client, "x")
        assert client.get("/log/checkpoint").text.splitlines()[1] == size


def test_errors_hold_no_secret(served: Served) -> None:
    made = assertion(served.world, "carrier", CARRIER, aud="https://other.example")
    with served.client() as client:
        answer: httpx.Response = ask(client, made)
    assert made.split(".")[2] not in answer.text
