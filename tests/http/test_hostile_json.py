"""What is not JSON in its one spelling, or not a statement of ours, correctly signed and sent: refused, nothing kept.

The signature is true each time, so it is the bytes below it that are judged; the auditor reads with the same
function and must say the same. The lists are made here and copy nobody's.
Covers THREATS C01, C02, C03, C04, C05, C06, C07, C08, C09, C10, C11, C12, C13, C14, C15, C16, C17, C18, C19, C20,
C21, C22, C24, C25, H11, S21.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ledger.codes import REMEDIES
from ledger.core.jws import open_jws
from ledger.core.strict import to_base64url
from ledger.domain.statements import read_statement
from tests.cast import sign_with
from tests.core.refusals import code_of
from tests.http.conftest import Served
from tests.http.test_statements import TYPE, post

# Texts that a JSON reader must refuse, by what is wrong with them.
GRAMMAR = {
    "arrays": ["[", "]", "[1", "[1,", "[,1]", "[1,]", "[1,,2]", "[,]", "[1 2]", '["a" "b"]', "[1:2]", "[[1]", "[1]]"],
    "ends of arrays": ["[1}", "[1)", "[1]x", "[1],", "[1]#", '["a",\n4\n,1,', "[\n1\n,1\n,1", "[a]", "[*]", "[;]"],
    "objects": ["{", "}", "{]", "{,}", '{"a"}', '{"a":}', '{"a":1', '{"a":1,', '{"a":1,}', '{"a":1,,"b":2}', "{:1}"],
    "names": ["{a:1}", "{1:1}", "{'a':1}", '{"a" 1}', '{"a"::1}', '{"a":1 "b":2}', "{null:1}", '{"a":1;"b":2}'],
    "ends of objects": [
        '{"a":1]',
        '{"a":1}}',
        '{"a":1}x',
        '{"a":1}/**/',
        '{"a":1}//',
        '{"a":1}#',
        '{"a":/*1*/1}',
        '{"a":a}',
    ],
    "numbers": [
        "+1",
        "01",
        "-01",
        "-",
        "--1",
        "1.",
        ".1",
        "-.1",
        "1.e1",
        "1e",
        "1e+",
        "1e-",
        "1E+",
        "0e",
        "1eE2",
        "- 1",
    ],
    "strange numbers": [
        "0x1",
        "0b1",
        "0o7",
        "1_000",
        "1,000",
        "1 000",
        "\uff11",
        "\u0661",
        "1a",
        "1.2.3",
        "1/2",
        "0.1.2",
        "++1",
    ],
    "no numbers": ["NaN", "nan", "-NaN", "Infinity", "-Infinity", "+Infinity", "Inf", "inf", "1e1e1", "-foo", "1-1"],
    "words": ["tru", "True", "TRUE", "fals", "False", "nul", "None", "NULL", "undefined", "yes", "nullx", "truefalse"],
    "strings": [
        '"',
        '"a',
        'a"',
        "'a'",
        "`a`",
        '"a""b"',
        '"\\"',
        '"\\x41"',
        '"\\u"',
        '"\\u00"',
        '"\\u00g0"',
        '"\\U00000041"',
    ],
    "escapes": [
        '"\\a"',
        '"\\v"',
        '"\\0"',
        '"\\\'"',
        '"\\ "',
        '"\\\n"',
        '"\\u{41}"',
        '"\\ud800"',
        '"\\ud800\\ud800"',
        '"\\udc00"',
    ],
    "raw controls": [
        '"\x00"',
        '"\x01"',
        '"\t"',
        '"\n"',
        '"\r"',
        '"\x1f"',
        "\x00",
        "\x0b1",
        "\x0c1",
        "\u00a01",
        "\u20281",
    ],
    "around": [
        "",
        " ",
        "\n",
        "\ufeff{}",
        "{}\x00",
        "\x00{}",
        "{}{}",
        "1 2",
        "<a/>",
        "a: b",
        "{} {}",
        "()",
        ";",
        "\\u0022a\\u0022",
    ],
}
BYTES = [
    b"\xff",
    b'"\xff"',
    b'"\xc0\x80"',
    b'"\xed\xa0\x80"',
    b'"\xf5\x80\x80\x80"',
    b'"\xe2\x82"',
    b'{"\xff":1}',
    b"\x80",
]
WIDE = ["{}".encode(coding) for coding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "utf-7")][:5]
DEEP = [b"[" * depth for depth in (33, 1_000, 30_000)] + [
    b'{"a":' * depth + b"1" + b"}" * depth for depth in (33, 5_000)
]
TEXTS = [text.encode() for some in GRAMMAR.values() for text in some] + BYTES + WIDE + DEEP


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as one:
        yield one


@pytest.fixture(scope="module")
def payload(served: Served) -> bytes:
    """A claim that would be recorded if it were sent as it is."""
    return open_jws(served.world.claim(counted_by=("meter:hostile",))).payload


def signed(served: Served, payload: bytes) -> bytes:
    """A JWS in order around any bytes; our own signer would not make it."""
    key = "carrier:claimant"
    header = {"alg": "EdDSA", "kid": str(served.world.kid("carrier", key)), "typ": "vc+jwt"}
    covered = f"{to_base64url(json.dumps(header, separators=(',', ':')).encode())}.{to_base64url(payload)}".encode()
    return covered + b"." + to_base64url(sign_with(key)(covered)).encode()


def head(served: Served) -> bytes:
    with served.client() as client:
        return client.get("/log/checkpoint").content


def require_refused(answer: httpx.Response, raw: bytes) -> None:
    """A problem with a code of the table, the same that an auditor meets; nothing of our inside."""
    assert answer.status_code in (400, 422), (answer.status_code, raw[:200])
    body = answer.json()
    assert body["code"] in REMEDIES
    assert body["code"] != "unforeseen"
    assert code_of(lambda: read_statement(open_jws(raw))) == body["code"]


def require_all_refused(served: Served, pool: ThreadPoolExecutor, statements: list[bytes]) -> None:
    before = head(served)
    for raw, answer in zip(statements, pool.map(lambda raw: post(served, raw), statements), strict=True):
        require_refused(answer, raw)
    assert head(served) == before


def test_the_list_is_what_it_says() -> None:
    """Python's own parser, which forgives more than it should, refuses nearly all of these, too."""
    assert len(TEXTS) > 150
    forgiven = []
    for raw in TEXTS:
        try:
            json.loads(raw)
        except (ValueError, RecursionError):
            continue
        forgiven.append(raw)
    # Words of its own, halves of pairs, other encodings: what it forgives is refused below all the same.
    assert len(forgiven) < 25


def test_no_text_that_is_no_json_is_a_payload(served: Served, pool: ThreadPoolExecutor) -> None:
    require_all_refused(served, pool, [signed(served, raw) for raw in TEXTS])


def test_no_text_that_is_no_json_is_a_member(served: Served, pool: ThreadPoolExecutor, payload: bytes) -> None:
    """In the place of a title, where the rest is a claim in order."""
    title = b'"title":' + json.dumps(json.loads(payload)["credentialSubject"]["title"]).encode()
    assert payload.count(title) == 1
    made = [payload.replace(title, b'"title":' + raw) for raw in TEXTS if len(raw) < 10_000]
    require_all_refused(served, pool, [signed(served, raw) for raw in made])


def test_no_text_is_a_body(served: Served, pool: ThreadPoolExecutor) -> None:
    before = head(served)
    for answer in pool.map(lambda raw: post(served, raw), TEXTS):
        assert answer.status_code == 400
    assert head(served) == before


def altered(payload: bytes) -> dict[str, bytes]:
    """Claims that are wrong in one place each."""
    whole = json.loads(payload)
    subject = whole["credentialSubject"]
    written = lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()  # noqa: E731
    assert written(whole) == payload

    def with_subject(**changes: object) -> bytes:
        return written({**whole, "credentialSubject": {**subject, **changes}})

    quantified = subject["quantification"]
    amounts = [
        *("NaN", "Infinity", "-0.000", "-1.000", "0", "1", "1.0", "1.00", "1.0000", "01.000", "+1.000", " 1.000"),
        *("1.000 ", "1_000.000", "1,000.000", "1e3", "1E3.000", ".500", "1.", "\u0661\u0662.000", "\uff11.000", ""),
        *("1" * 14 + ".000", "9" * 5_000, "0x1.000", "1.000\n", "1\u00a0000.000", "\u00bd.000"),
    ]
    made = {
        f"an amount spelled {text[:20]!a}": with_subject(quantification={**quantified, "reduction": text})
        for text in amounts
    }
    numbers: list[object] = [1, 1.5, True, None, [], {}, 2**53, 10**30]
    made |= {
        f"an amount that is {value!r}": with_subject(quantification={**quantified, "reduction": value})
        for value in numbers
    }
    for member in sorted(subject):
        left = {name: value for name, value in subject.items() if name != member}
        if member in ("title", "quantification", "period", "methodology", "counted_by", "kind", "scope", "lever"):
            made[f"without {member}"] = written({**whole, "credentialSubject": left})
        for value in (None, True, 1, 0.5, [None], {"a": 1}):
            if type(value) is not type(subject[member]):
                made[f"{member} as {value!r}"] = with_subject(**{member: value})
    for name in ("org_id", "role", "status", "index", "recorded_at", "verified", "__proto__", "id", "type"):
        made[f"{name} beside what belongs there"] = with_subject(**{name: "x"})
        made[f"{name} outside"] = written({**whole, name + "_": "x"})
    for moment in (
        *("2026-09-01T24:00:00Z", "2026-09-01T23:59:60Z", "2026-09-01T00:00:00+00:00", "2026-09-01T00:00:00"),
        *(
            "2026-09-01T00:00:00.000Z",
            "2026-09-01",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
        ),
        *("2026-09-01t00:00:00z", "2026-9-1T0:0:0Z", " 2026-09-01T00:00:00Z", "2026-09-01T00:00:00.123456789Z"),
    ):
        made[f"validFrom {moment}"] = written({**whole, "validFrom": moment})
    for text in ("e\u0301", "a\u200bb", "a\u202eb", "a\0b", "a\x1bb", "a\ufeffb", "a\u2028b", "\ue000", "a\u00adb"):
        made[f"a title with {text!a}"] = with_subject(title=text)
    made |= {
        "another kind": written({**whole, "type": ["VerifiableCredential", "Gift"]}),
        "no kind": written({**whole, "type": ["VerifiableCredential"]}),
        "two kinds": written({**whole, "type": ["VerifiableCredential", "Claim", "Party"]}),
        "an older context": written({**whole, "@context": ["https://www.w3.org/2018/credentials/v1"]}),
        "no context": written({name: value for name, value in whole.items() if name != "@context"}),
        "a version that is not known": written({**whole, "version": 2}),
        "a member twice": payload.replace(b'{"@context"', b'{"issuer":"https://a.example/","@context"'),
        "a member twice inside": payload.replace(b'"title":', b'"title":"x","title":'),
        "a member twice by an escape": payload.replace(b'"title":', b'"t\\u0069tle":"x","title":'),
        "another order": json.dumps(dict(reversed(whole.items())), separators=(",", ":")).encode(),
        "white space": json.dumps(whole, ensure_ascii=False, sort_keys=True).encode(),
        "pretty": json.dumps(whole, indent=2, ensure_ascii=False, sort_keys=True).encode(),
        "a line after": payload + b"\n",
        "an escape of a letter": payload.replace(b'"title":', b'"titl\\u0065":'),
        "a long text": with_subject(title="x" * 5_000),
        "many members": with_subject(**{f"m{number}": 1 for number in range(2_000)}),
        "a long list": with_subject(counted_by=["meter:x"] * 2_000),
    }
    return made


def test_nothing_but_a_claim_in_order_is_a_claim(served: Served, pool: ThreadPoolExecutor, payload: bytes) -> None:
    made = altered(payload)
    assert len(made) > 120
    assert payload not in made.values()
    require_all_refused(served, pool, [signed(served, raw) for raw in made.values()])


def test_what_is_too_large_is_refused_before_it_is_read(served: Served) -> None:
    before = head(served)
    with served.client() as client:
        for body in (b"x" * 49_153, b"[" * 1_000_000, b'{"' + b"a" * 1_000_000 + b'":1}'):
            answer = client.post("/v1/statements", content=body, headers=TYPE)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert head(served) == before


def test_the_claim_in_order_is_recorded(served: Served, payload: bytes) -> None:
    """Otherwise all that was refused above might have been refused for another reason."""
    assert post(served, signed(served, payload)).status_code == 201
