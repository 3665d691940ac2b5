"""Each reader takes one spelling and refuses what Python's own parsers forgive (S07, C11, C22)."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.core.strict import (
    base64_bytes,
    base64url_bytes,
    decimal,
    format_milliseconds,
    format_seconds,
    hex_bytes,
    timestamp_milliseconds,
    timestamp_seconds,
    to_base64,
    to_base64url,
)
from ledger.errors import Malformed
from tests.core.refusals import code_of

LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z


@given(st.integers(0, 10**20 - 1))
def test_decimals_are_read_back(value: int) -> None:
    assert decimal(str(value), limit=10**20) == value


@pytest.mark.parametrize("text", [*"- +7 -7 -0 07 00 1_000 7.0 7e3 0x7".split(), "", " 7", "7 ", "7\n", "7\r"])
def test_other_decimals(text: str) -> None:
    """C11."""
    assert code_of(lambda: decimal(text, limit=100)) == "bad_decimal"


@given(st.text())
@example("\u0667")
@example("\u00b2")
@example("1" * 5000)
def test_a_decimal_is_what_prints_as_itself(text: str) -> None:
    code = code_of(lambda: decimal(text, limit=10**9))
    plain = text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= 10**9 and str(int(text)) == text
    assert code == ("" if plain else "bad_decimal")


def test_a_decimal_above_its_limit() -> None:
    assert decimal("100", limit=100) == 100
    with pytest.raises(Malformed) as caught:
        decimal("101", limit=100)
    assert (caught.value.code, caught.value.facts) == ("bad_decimal", {"limit": 100})


@given(st.binary(max_size=200))
def test_base64_is_read_back(raw: bytes) -> None:
    assert to_base64(raw) == base64.b64encode(raw).decode()
    assert base64_bytes(to_base64(raw), size=len(raw)) == raw
    assert to_base64url(raw) == base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert base64url_bytes(to_base64url(raw), size=len(raw)) == base64url_bytes(to_base64url(raw).encode()) == raw


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
NEAR_BASE64 = st.text(st.sampled_from(ALPHABET + "+/-_=" * 4 + " \n\r\0.\u0660\ud800"), max_size=12)


@given(NEAR_BASE64 | st.text(max_size=12))
@example("e3!0=")
@example(" e30=")
@example("e31=")
@example("e30")
@example("e30==")
@example("e3\n0=")
def test_base64_has_one_spelling(text: str) -> None:
    """What is read is what encoding gives back; anything else is refused, the judge being Python's encoder."""
    for reader, writer in [
        (base64_bytes, lambda raw: base64.b64encode(raw).decode()),
        (base64url_bytes, lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")),
    ]:
        code = code_of(lambda reader=reader: reader(text))
        assert code == ("" if text in {writer(raw) for raw in kindly_decoded(text)} else "bad_base64")
        if not code:
            assert writer(reader(text)) == text


def kindly_decoded(text: str) -> list[bytes]:
    """What Python's decoders make of a text, forgiving all that they forgive."""
    found = []
    for decode in (base64.b64decode, base64.urlsafe_b64decode):
        for padding in ("", "=", "=="):
            try:
                found.append(decode(text + padding))
            except ValueError:
                continue
    return found


def test_every_last_character_of_base64url() -> None:
    """S07: spare bits that are set, for both lengths that have them."""
    every = ALPHABET + "-_"
    assert [one for one in every if is_base64url("A" + one)] == list("AQgw")
    assert [one for one in every if is_base64url("AA" + one)] == list("AEIMQUYcgkosw048")
    assert not any(is_base64url("AAAA" + one) for one in every)


def test_every_byte_inside_base64url() -> None:
    taken = {byte for byte in range(256) if is_base64url(b"AA" + bytes([byte]) + b"A")}
    assert taken == set((ALPHABET + "-_").encode())


def is_base64url(text: str | bytes) -> bool:
    return not code_of(lambda: base64url_bytes(text))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_bytes_have_their_size(size: int) -> None:
    for read in (lambda: base64_bytes(to_base64(bytes(32)), size=size), lambda: base64url_bytes("A" * 43, size=size)):
        with pytest.raises(Malformed) as caught:
            read()
        assert (caught.value.code, caught.value.facts) == ("bad_base64", {"size": size})


@given(st.binary(max_size=40))
def test_hex_is_read_back(raw: bytes) -> None:
    assert hex_bytes(raw.hex(), size=len(raw)) == raw
    for other in (raw.hex() + "0", raw.hex() + "00", raw.hex()[:-1], " " + raw.hex()[1:], raw.hex()[:-1] + "g"):
        if other != raw.hex():
            with pytest.raises(Malformed) as caught:
                hex_bytes(other, size=len(raw))
            assert caught.value.code == "bad_hex"


@pytest.mark.parametrize("text", ["AB", "aB", "0x", "a ", "a\n", "\u0661\u0662", "\uff41b"])
def test_other_hex(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        hex_bytes(text, size=1)
    assert caught.value.code == "bad_hex"


@given(st.integers(0, LAST_SECOND), st.integers(0, 999))
def test_moments_are_read_back(seconds: int, milliseconds: int) -> None:
    text = format_seconds(seconds)
    assert dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC).timestamp() == seconds
    assert timestamp_seconds(text) == seconds
    fine = format_milliseconds(seconds * 1000 + milliseconds)
    assert fine == f"{text[:-1]}.{milliseconds:03d}Z"
    assert timestamp_milliseconds(fine) == seconds * 1000 + milliseconds


BAD_MOMENTS = """
2026-01-01T24:00:00Z 2026-12-31T23:59:60Z 2026-06-30T23:59:60Z 2026-01-01T00:60:00Z 2026-02-29T00:00:00Z
2026-00-01T00:00:00Z 2026-13-01T00:00:00Z 2026-01-00T00:00:00Z 2026-01-32T00:00:00Z 2026-01-01T00:00:00
2026-01-01T00:00:00+00:00 2026-01-01T00:00:00-00:00 2026-01-01T00:00:00z 2026-01-01t00:00:00Z 2026-01-01T00:00Z
2026-01-01T00:00:00.000Z 2026-01-01T00:00:00.000000001Z 2026-01-01T00:00:00,0Z 0000-01-01T00:00:00Z
1969-12-31T23:59:59Z 10000-01-01T00:00:00Z 2026-1-1T00:00:00Z 20260101T000000Z 2026-001T00:00:00Z 2026-W01-1T00:00:00Z
+2026-01-01T00:00:00Z 2026/01/01T00:00:00Z 2026-01-01 1767225600
""".split()
ODD_MOMENTS = ["", "2026-01-01 00:00:00Z", " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z\n"]
ODD_MOMENTS += ["2026-01-0\u0661T00:00:00Z", "2026-01-01T00:00:00Z2026-01-01T00:00:00Z"]


@pytest.mark.parametrize("text", [*BAD_MOMENTS, *ODD_MOMENTS], ids=ascii)
def test_other_moments(text: str) -> None:
    """C22."""
    assert code_of(lambda: timestamp_seconds(text)) == "bad_timestamp"
    assert code_of(lambda: timestamp_milliseconds(text.replace("Z", ".000Z"))) == "bad_timestamp"
