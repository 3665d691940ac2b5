"""Every parser is total: any bytes give a value or one of our own errors, with a code that has a remedy.

Random bytes and text, good input that was damaged, and good input grown
together with other good input. `code_of` lets any other exception through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from ledger.core.canonical import decode, decode_as, encode, peek
from ledger.core.checkpoint import open_checkpoint, parse_checkpoint
from ledger.core.entry import Entry, decode_entry, encode_entry
from ledger.core.jws import Kid, approve, check_signatures, jws_size, open_jws, sign_statement
from ledger.core.note import Vkey, open_note, parse_note
from ledger.core.receipt import Receipt, check_receipt, parse_receipt
from ledger.core.strict import (
    base64_bytes,
    base64url_bytes,
    decimal,
    hex_bytes,
    require_plain_text,
    timestamp_milliseconds,
    timestamp_seconds,
)
from ledger.core.tiles import decode_bundle, encode_bundle, parse_path, split_hashes
from tests.core.refusals import code_of
from tests.core.signers import ORIGIN, checkpoint_text, cosignature_line, key_of, kid_of, log_vkey, signed, witness_vkey


class Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    number: int = 0
    parts: tuple[Part, ...] = ()
    table: dict[str, str] = {}


TEXT = checkpoint_text(7, bytes(range(32)))
NOTE = signed(TEXT) + cosignature_line(TEXT, "w1", timestamp_s=1_790_000_000)
STATEMENT = sign_statement(encode({"name": "é"}), kid=kid_of("author"), sign=key_of("author").sign)
APPROVED = approve(STATEMENT, kid=kid_of("second"), sign=key_of("second").sign)
LOG, WITNESS = log_vkey(), witness_vkey("w1")
RECEIPT = Receipt(5, (bytes(32), bytes(range(32))), NOTE, b"extra").encode()
JSON = encode({"name": 'a"\\é中', "number": 7, "parts": [{"name": "b"}], "table": {"a": "b"}})

FROM_BYTES: dict[str, tuple[Callable[[bytes], Any], list[bytes]]] = {
    "open_jws": (open_jws, [STATEMENT, APPROVED]),
    "check_signatures": (lambda raw: check_signatures(open_jws(raw)), [STATEMENT, APPROVED]),
    "decode": (decode, [JSON]),
    "decode_as": (lambda raw: decode_as(raw, Part), [JSON]),
    "peek": (lambda raw: peek(raw, Part), [JSON]),
    "decode_entry": (decode_entry, [encode_entry(Entry(17, bytes(32), 1_790_000_000_123, STATEMENT))]),
    "parse_note": (parse_note, [NOTE]),
    "open_note": (lambda raw: open_note(raw, known=[LOG]), [NOTE]),
    "open_checkpoint": (lambda raw: open_checkpoint(raw, log=LOG, origin=ORIGIN, witnesses=[WITNESS]), [NOTE]),
    "parse_receipt": (parse_receipt, [RECEIPT]),
    "check_receipt": (lambda raw: check_receipt(parse_receipt(raw), entry=b"", log=LOG, origin=ORIGIN), [RECEIPT]),
    "decode_bundle": (lambda raw: decode_bundle(raw, width=3), [encode_bundle([b"one", b"", b"three"])]),
    "split_hashes": (lambda raw: split_hashes(raw, width=2), [bytes(64)]),
    "base64url_bytes": (base64url_bytes, [STATEMENT.split(b".")[0]]),
}
FROM_TEXT: dict[str, tuple[Callable[[str], Any], list[str]]] = {
    "parse_checkpoint": (parse_checkpoint, [TEXT]),
    "parse_path": (parse_path, ["tile/0/x001/000.p/7", "tile/entries/000"]),
    "Kid.parse": (Kid.parse, [str(kid_of("author"))]),
    "Vkey.parse": (Vkey.parse, [str(LOG), str(WITNESS)]),
    "Vkey.make": (lambda text: Vkey.make(text, bytes(32)), [LOG.name]),
    "decimal": (lambda text: decimal(text, limit=10**18), ["1234567890"]),
    "base64_bytes": (base64_bytes, ["AAECAwQFBgcICQ=="]),
    "base64url_bytes": (base64url_bytes, ["AAECAwQFBgcICQ"]),
    "hex_bytes": (lambda text: hex_bytes(text, size=4), ["0123cdef"]),
    "timestamp_seconds": (timestamp_seconds, ["2026-09-21T14:13:20Z"]),
    "timestamp_milliseconds": (timestamp_milliseconds, ["2026-09-21T14:13:20.123Z"]),
    "require_plain_text": (require_plain_text, ["Solar roof é中"]),
}


EVERY_CHARACTER = st.characters(exclude_categories=())  # lone surrogates too


@st.composite
def damaged(draw: st.DrawFn, good: Any) -> Any:
    """Good input with up to four pieces cut out, doubled, put elsewhere or replaced."""
    alphabet = st.binary(max_size=6) if isinstance(good[0], bytes) else st.text(EVERY_CHARACTER, max_size=6)
    made = draw(st.sampled_from(good))
    for _ in range(draw(st.integers(0, 4))):
        start, end = sorted((draw(st.integers(0, len(made))), draw(st.integers(0, len(made)))))
        change = draw(st.sampled_from(["cut", "twice", "replace", "elsewhere"]))
        piece = made[start:end]
        if change == "cut":
            made = made[:start] + made[end:]
        elif change == "twice":
            made = made[:end] + piece + made[end:]
        elif change == "replace":
            made = made[:start] + draw(alphabet) + made[end:]
        else:
            at = draw(st.integers(0, len(made)))
            made = made[:at] + piece + made[at:]
    return made


@pytest.mark.parametrize("name", FROM_BYTES)
@given(data=st.data())
def test_any_bytes(name: str, data: st.DataObject) -> None:
    parse, good = FROM_BYTES[name]
    raw = data.draw(st.binary(max_size=200) | damaged(good))
    code_of(lambda: parse(raw))


@pytest.mark.parametrize("name", FROM_TEXT)
@given(data=st.data())
def test_any_text(name: str, data: st.DataObject) -> None:
    parse, good = FROM_TEXT[name]
    text = data.draw(st.text(EVERY_CHARACTER, max_size=60) | damaged(good))
    code_of(lambda: parse(text))


@pytest.mark.parametrize("name", sorted(set(FROM_BYTES) - {"check_receipt"}))
def test_the_undamaged_input_is_good(name: str) -> None:
    """Otherwise the tests above would show less than they say."""
    parse, good = FROM_BYTES[name]
    assert [code_of(lambda raw=raw: parse(raw)) for raw in good] == [""] * len(good)


@pytest.mark.parametrize("name", FROM_TEXT)
def test_the_undamaged_text_is_good(name: str) -> None:
    parse, good = FROM_TEXT[name]
    assert [code_of(lambda text=text: parse(text)) for text in good] == [""] * len(good)


DULL = {"NUL": b"\0", "line feeds": b"\n", "dots": b".", "brackets": b"[", "members": b'{"a":', "high": b"\xff"}


@pytest.mark.parametrize("name", FROM_BYTES)
@pytest.mark.parametrize("piece", DULL)
@pytest.mark.parametrize("size", [49_000, 3_000_000])
def test_long_and_dull_input(name: str, piece: str, size: int) -> None:
    raw = DULL[piece] * (size // len(DULL[piece]))
    assert code_of(lambda: FROM_BYTES[name][0](raw)) != ""


@given(st.integers(0, 10**6), st.lists(st.text(max_size=300), max_size=9))
def test_sizes_are_computed_for_any_parties(size: int, parties: list[str]) -> None:
    assert code_of(lambda: jws_size(size, [Kid(party, bytes(32)) for party in parties])) in ("", "too_large")
