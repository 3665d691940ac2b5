"""Each nasty string in every field of free text: refused by its code, or kept to the byte wherever it goes.

Through the signature, the database and its columns, HTTP, the export, the auditor's reading and the PDF.
Covers THREATS C03, C04, C15, C18, C23, H06, H22.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote

import httpx
import msgspec
import pytest

from ledger.certificates.page import draw
from ledger.core.entry import decode_entry
from ledger.core.jws import open_jws
from ledger.core.strict import require_plain_text
from ledger.core.tiles import decode_bundle
from ledger.domain.dossier import fold
from ledger.domain.facts import PageFacts, page_facts
from ledger.domain.statements import members as m
from ledger.domain.statements import read_statement
from ledger.store.export import export_log
from tests.certificates.dossiers import Log
from tests.core.refusals import code_of
from tests.http.conftest import Served
from tests.http.nasty import ALL, NASTY
from tests.http.test_hostile_json import signed
from tests.http.test_statements import post
from tests.ledgers import reopen

MARK = "@here@"
FREE = (m.Text, m.LongText)


def is_plain(text: str) -> bool:
    return not code_of(lambda: require_plain_text(text)) and 0 < len(text) <= 400


PLAIN = [text for text in ALL if is_plain(text)]
# What means something in a PDF or on a page, and one or two of every other sort.
ONE_OF_EACH = [
    text
    for sort, some in NASTY.items()
    for text in (some if sort in ("markup", "formats") else some[:2])
    if text in PLAIN
]
OTHERS = [text for text in ALL if not is_plain(text)]


def marked(value: Any) -> Any:
    """The same structure with the mark in each of its fields of free text."""
    if isinstance(value, tuple):
        return tuple(marked(one) for one in value)
    if not isinstance(value, msgspec.Struct):
        return value
    changes = {}
    for field in msgspec.structs.fields(value):
        now = getattr(value, field.name)
        is_free = any(kind in FREE for kind in (field.type, *get_args(field.type)))
        changes[field.name] = MARK if is_free and isinstance(now, str) else marked(now)
    return msgspec.structs.replace(value, **changes)


def with_text(value: Any, text: str) -> Any:
    """JSON with a text in the place of the mark."""
    if isinstance(value, dict):
        return {name: with_text(one, text) for name, one in value.items()}
    if isinstance(value, list):
        return [with_text(one, text) for one in value]
    return text if value == MARK else value


def claim(served: Served, text: str, number: int) -> bytes:
    """A claim that says this wherever it may say anything, signed also where our own writer would refuse."""
    subject = marked(served.world.claim_subject(counted_by=(f"meter:nasty-{number}",)))
    payload = open_jws(served.world.state("Claim", subject, ("carrier", "carrier:claimant"))).payload
    assert (
        payload.count(MARK.encode()) == 5
    )  # its title, its owner's role, and of its evidence title, role and collector
    made = with_text(json.loads(payload), text)
    return signed(served, json.dumps(made, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode())


class Sent:
    """A text, the claim that says it, and what the server answered."""

    def __init__(self, served: Served, text: str, number: int) -> None:
        self.text, self.statement = text, claim(served, text, number)
        self.answer = post(served, self.statement)


@pytest.fixture(scope="module")
def sent(served: Served) -> list[Sent]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda pair: Sent(served, pair[1], pair[0]), enumerate(ALL)))


@pytest.fixture(scope="module")
def kept(sent: list[Sent]) -> list[Sent]:
    return [one for one in sent if one.answer.status_code == 201]


def test_there_is_enough_of_each_sort() -> None:
    assert len(PLAIN) > 130
    assert len(OTHERS) > 35
    for sort in ("markup", "queries", "formulas", "commands", "formats", "paths"):
        assert set(NASTY[sort]) <= set(PLAIN), sort  # they are plain text, and harmless where text stays text
    for sort in ("what hides", "what controls", "what is no character", "another form of the same"):
        assert not set(NASTY[sort]) & set(PLAIN), sort


def test_plain_text_is_recorded_and_everything_else_refused(sent: list[Sent]) -> None:
    for one in sent:
        if is_plain(one.text):
            assert one.answer.status_code == 201, ascii(one.text)
        else:
            assert one.answer.status_code in (400, 413), ascii(one.text)
            assert one.answer.json()["code"] in {"bad_text", "bad_schema", "too_large"}, ascii(one.text)


def test_what_is_recorded_is_served_to_the_byte_and_never_as_a_page(served: Served, kept: list[Sent]) -> None:
    with served.client() as client:
        for one in kept:
            entry = client.get(one.answer.headers["Location"])
            statement = decode_entry(entry.content).statement
            assert statement == one.statement
            identity = read_statement(open_jws(statement)).id
            for answer in (entry, client.get(f"/v1/claims/{identity}")):
                require_no_page(answer)


def require_no_page(answer: httpx.Response) -> None:
    """Whatever is in it, no browser takes it for more than data."""
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_name_of_a_party_is_kept_in_its_column(served: Served) -> None:
    world = served.world
    with served.client() as client:
        for number, text in enumerate(ONE_OF_EACH):
            name = f"nasty-{number}"
            subject = msgspec.structs.replace(world.party_subject(name, ("partner",)), legal_name=text)
            statement = world.state("Party", subject, ("operator", "operator:registrar"), [(name, f"{name}:partner")])
            assert post(served, statement).status_code == 201
            answer = client.get(f"/v1/parties/{quote(world.party_id(name), safe='')}")
            require_no_page(answer)
            assert answer.json()["party"]["legal_name"] == text


def test_what_is_recorded_is_stored_and_exported_to_the_byte(served: Served, kept: list[Sent], tmp_path: Path) -> None:
    with reopen(served.directory) as ledger, ledger.reading() as connection:
        export_log(connection, tmp_path)
    entries: list[bytes] = []
    for path in sorted((tmp_path / "tile" / "entries").rglob("*")):
        if path.is_file():
            raw = path.read_bytes()
            width = int(path.name) if path.parent.name.endswith(".p") else 256
            entries += decode_bundle(raw, width=width)
    for one in kept:
        statement = decode_entry(entries[one.answer.json()["index"]]).statement
        assert statement == one.statement
        subject: Any = read_statement(open_jws(statement)).subject
        assert (subject.title, subject.evidence[0].title) == (one.text, one.text)


@pytest.fixture(scope="module")
def facts() -> PageFacts:
    log = Log()
    made = log.certify([log.verified_claim()])
    return page_facts(fold(made.entries), made.checkpoint)


def test_a_page_is_drawn_with_any_plain_text_or_names_the_character_it_lacks(facts: PageFacts) -> None:
    drawn = 0
    for text in ONE_OF_EACH:
        one = replace(facts.claims[0], title=text)
        shown = replace(facts, holder=text, programme=text, claims=(one,))
        made: list[bytes] = []
        code = code_of(lambda shown=shown, made=made: made.append(draw(shown, attachments=())))
        assert code == ("" if made else "missing_glyph"), ascii(text)
        for pdf in made:
            assert pdf.startswith(b"%PDF-1.7")
            assert b"/JavaScript" not in pdf
            assert b"/URI (javascript" not in pdf
        drawn += len(made)
    assert drawn > len(ONE_OF_EACH) // 2


def filters(served: Served) -> list[tuple[str, str]]:
    """Every list with every parameter of its own, as the description has them."""
    with served.client() as client:
        description = client.get("/openapi.json").json()
    return [
        (path, parameter["name"])
        for path, operations in description["paths"].items()
        for parameter in operations.get("get", {}).get("parameters", ())
        if parameter["in"] == "query" and "{" not in path
    ]


def test_no_text_in_a_query_or_path_is_more_than_text(served: Served, kept: list[Sent]) -> None:
    asked = filters(served)
    assert len(asked) > 30
    some = [*NASTY["queries"], *NASTY["formats"][:4], "\0", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1")]
    addresses = [f"{path}?{name}={quote(text, safe='')}" for path, name in asked for text in some]
    for text in set(ALL) - {"0", "."}:  # an index, and what clients take for no word at all
        word = quote(text.encode("utf-8", "surrogatepass"), safe="")[:2_000]
        addresses += [f"/v1/claims/{word}", f"/v1/parties/{word}", f"/v1/entries/{word}", f"/v1/entries/{word}/proof"]
    with served.client() as client, ThreadPoolExecutor(4) as pool:
        before = client.get("/log/checkpoint").content
        answers = list(pool.map(client.get, addresses))
        assert client.get("/log/checkpoint").content == before
    for address, answer in zip(addresses, answers, strict=True):
        require_harmless(address, answer)


def require_harmless(address: str, answer: httpx.Response) -> None:
    """No such thing, or not how it is spelled; where a text is asked for, nothing says it."""
    if answer.status_code == 200:
        assert "?" in address, address
        assert answer.json()["items"] == [], address
    else:
        assert answer.status_code in (400, 404, 422), (address, answer.status_code)
        assert answer.headers["Content-Type"] == "application/problem+json"
