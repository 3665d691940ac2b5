"""Entry bytes: what is encoded is read back, and nothing else is read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.entry import INDEX_MAX, NO_PREVIOUS, Entry, decode_entry, encode_entry
from ledger.core.jws import STATEMENT_ALPHABET, STATEMENT_BYTES_MAX
from tests.core.refusals import code_of

statements = st.text(STATEMENT_ALPHABET.decode(), min_size=1, max_size=80).map(str.encode)
entries = st.builds(
    Entry,
    index=st.integers(0, INDEX_MAX),
    previous=st.binary(min_size=32, max_size=32),
    recorded_at_ms=st.integers(0, 253_402_300_799_999),
    statement=statements,
)
GOOD = Entry(17, bytes(range(32)), 1_790_000_000_123, b"header.payload.signature")
RAW = encode_entry(GOOD)


def test_the_spelling() -> None:
    """DESIGN 4.2, byte for byte."""
    assert RAW == (
        b'{"index":17,"previous":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",'
        b'"recorded_at":"2026-09-21T14:13:20.123Z","statement":"header.payload.signature"}'
    )
    first = encode_entry(Entry(0, NO_PREVIOUS, 0, b"x"))
    assert first.startswith(b'{"index":0,"previous":"' + b"0" * 64 + b'","recorded_at":"1970-01-01T00:00:00.000Z",')


@given(entries)
def test_entries_are_read_back(entry: Entry) -> None:
    raw = encode_entry(entry)
    assert decode_entry(raw) == entry
    whole = json.loads(raw)
    assert list(whole) == ["index", "previous", "recorded_at", "statement"]
    assert json.dumps(whole, separators=(",", ":")).encode() == raw


def test_the_largest_statement_fits() -> None:
    largest = Entry(INDEX_MAX, NO_PREVIOUS, 0, b"x" * STATEMENT_BYTES_MAX)
    assert decode_entry(encode_entry(largest)) == largest
    assert len(encode_entry(largest)) < 65_536
    larger = Entry(INDEX_MAX, NO_PREVIOUS, 0, b"x" * (STATEMENT_BYTES_MAX + 1))
    assert code_of(lambda: decode_entry(encode_entry(larger))) == "bad_entry"


def changed(old: bytes, new: bytes) -> bytes:
    assert RAW.count(old) == 1
    return RAW.replace(old, new)


OTHERS = {
    "nothing": b"",
    "nothing in braces": b"{}",
    "white space before": b" " + RAW,
    "white space after": RAW + b"\n",
    "white space inside": changed(b'"index":17', b'"index": 17'),
    "byte order mark": b"\xef\xbb\xbf" + RAW,
    "something after": RAW + b"}",
    "two entries": RAW + RAW,
    "cut": RAW[:-1],
    "another order": changed(b'"index":17,', b"").replace(b'"statement"', b'"index":17,"statement"'),
    "member twice": changed(b'"index":17,', b'"index":17,"index":17,'),
    "member more": changed(b'"index":17,', b'"index":17,"more":1,'),
    "member less": changed(b'"index":17,', b""),
    "index with sign": changed(b":17,", b":+17,"),
    "index negative": changed(b":17,", b":-1,"),
    "index minus zero": changed(b":17,", b":-0,"),
    "index with zero": changed(b":17,", b":017,"),
    "index float": changed(b":17,", b":17.0,"),
    "index exponent": changed(b":17,", b":1e1,"),
    "index text": changed(b":17,", b':"17",'),
    "index underscore": changed(b":17,", b":1_7,"),
    "index missing": changed(b":17,", b":,"),
    "index 2^53": changed(b":17,", b":9007199254740992,"),
    "index huge": changed(b":17,", b":" + b"1" * 5000 + b","),
    "previous upper case": changed(b"0a0b0c", b"0A0B0C"),
    "previous short": changed(b"0a0b0c", b"0a0b0"),
    "previous long": changed(b"0a0b0c", b"0a0b0c00"),
    "previous not hex": changed(b"0a0b0c", b"0a0b0g"),
    "previous spaced": changed(b"0a0b0c", b"0a0b  "),
    "moment in seconds": changed(b".123Z", b"Z"),
    "moment in microseconds": changed(b".123Z", b".123000Z"),
    "moment with offset": changed(b".123Z", b".123+00:00"),
    "moment without zone": changed(b".123Z", b".123"),
    "moment comma": changed(b".123Z", b",123Z"),
    "moment of no day": changed(b"2026-09-21", b"2026-02-30"),
    "moment of second 60": changed(b"14:13:20", b"14:13:60"),
    "moment of hour 24": changed(b"14:13:20", b"24:00:00"),
    "moment before 1970": changed(b"2026-09-21", b"1969-12-31"),
    "moment of shuffled marks": changed(b"2026-09-21T14:13:20.123Z", b"2026T09-21-14:13:20.123Z"),
    "statement empty": changed(b"header.payload.signature", b""),
    "statement with quote": changed(b"header", b'he"der'),
    "statement with escape": changed(b"header", b"he\\u0061der"),
    "statement with slash": changed(b"header", b"he/der"),
    "statement with padding": changed(b"header", b"header="),
    "statement with space": changed(b"header", b"he der"),
    "statement with line feed": changed(b"header", b"he\nder"),
    "statement with NUL": changed(b"header", b"he\0der"),
    "statement not ASCII": changed(b"header", "hé".encode()),
    "statement an object": changed(b'"header.payload.signature"', b"{}"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_spellings_are_refused(name: str) -> None:
    assert OTHERS[name] != RAW
    assert code_of(lambda: decode_entry(OTHERS[name])) == "bad_entry"


@given(entries, st.data())
def test_a_touched_entry_is_another_entry_or_none(entry: Entry, data: st.DataObject) -> None:
    """Two different bytes never read as the same entry."""
    raw = bytearray(encode_entry(entry))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    touched = bytes(raw)
    if not code_of(lambda: decode_entry(touched)):
        assert encode_entry(decode_entry(touched)) == touched


@pytest.mark.parametrize("size", [65_535, 65_536, 1_000_000])
def test_what_is_too_long_for_a_bundle(size: int) -> None:
    assert code_of(lambda: decode_entry(RAW[:-2] + b"x" * (size - len(RAW)) + b'"}')) == "bad_entry"
