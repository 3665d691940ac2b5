"""One JSON spelling a value: what RFC 8785 writes is read, everything else is refused.

Covers THREATS C01 to C05, C07 to C10, C13 to C20.
"""

from __future__ import annotations

import codecs
import json
import unicodedata
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.canonical import BYTES_MAX, DEPTH_MAX, INTEGER_MAX, decode, encode
from ledger.core.characters import allowed_text
from tests.core.refusals import code_of


def is_plain(text: str) -> bool:
    return allowed_text().fullmatch(text) is not None and unicodedata.is_normalized("NFC", text)


plain_text = st.text(max_size=20).map(lambda text: unicodedata.normalize("NFC", text)).filter(is_plain)
names = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
integers = st.integers(-INTEGER_MAX, INTEGER_MAX)
leaves = plain_text | integers | st.booleans()
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4))


@given(values)
def test_the_one_spelling_is_that_of_rfc_8785(value: Any) -> None:
    """Another implementation writes the same bytes, and they are read back as the same value."""
    raw = rfc8785.dumps(value)
    assert encode(value) == raw
    again = decode(raw)
    assert again == value
    assert repr(again) == repr(json.loads(raw))


@given(values)
def test_other_spellings_of_a_value_are_refused(value: Any) -> None:
    """C20: order, white space, escapes. What another writer spells differently does not pass."""
    canonical = encode(value)
    others = {
        json.dumps(value).encode(),
        json.dumps(value, ensure_ascii=False).encode(),
        json.dumps(value, indent=1, ensure_ascii=False).encode(),
        json.dumps(value, separators=(",", ":")).encode(),
        json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True).replace("/", "\\/").encode(),
        b" " + canonical,
        canonical + b"\n",
        canonical + b"\0",
        canonical + canonical,
        canonical + b"//",
        codecs.BOM_UTF8 + canonical,
        canonical.decode().encode("utf-16"),
        canonical.decode().encode("utf-32"),
    } - {canonical}
    for raw in others:
        # Two numbers in a row may be a third one: 1 and 1 read as 11.
        if not (raw == canonical + canonical and not isinstance(value, str | list | dict | bool)):
            assert code_of(lambda raw=raw: decode(raw)) != ""


CASES = {
    # Duplicates: at the top, inside, and equal only after unescaping (C01, C02)
    b'{"a":1,"a":1}': "not_canonical",
    b'{"a":1,"a":2}': "not_canonical",
    b'{"b":{"a":1,"a":1}}': "not_canonical",
    b'{"a":1,"\\u0061":1}': "not_canonical",
    b'[{"a":1,"a":1}]': "not_canonical",
    # Order and white space (C20)
    b'{"b":1,"a":1}': "not_canonical",
    b'{"a":1,"B":1}': "not_canonical",
    b'{"a": 1}': "not_canonical",
    b'{"a":1 }': "not_canonical",
    b'\t{"a":1}': "not_canonical",
    b'{"a":1}\r\n': "not_canonical",
    # Escapes
    b'"\\u0041"': "not_canonical",
    b'"\\u00e9"': "not_canonical",
    b'"\\/"': "not_canonical",
    b'"\\ud83c\\udf0d"': "not_canonical",
    b'"\\u000A"': "not_canonical",
    b'"\\u000a"': "not_canonical",
    # Encodings (C16, C17)
    codecs.BOM_UTF8 + b'"a"': "not_json",
    '"a"'.encode("utf-16"): "not_json",
    '"a"'.encode("utf-16-le"): "not_json",
    '"a"'.encode("utf-32"): "not_json",
    '"é"'.encode("latin-1"): "not_utf8",
    b'"\xff"': "not_utf8",
    b'"\xc0\xaf"': "not_utf8",
    b'"\xc1\x81"': "not_utf8",
    b'"\xe2\x82"': "not_utf8",
    b'"\xed\xa0\x80"': "not_utf8",
    b'"\xf4\x90\x80\x80"': "not_utf8",
    # Numbers (C05, C07 to C10)
    b"NaN": "not_json",
    b"Infinity": "not_json",
    b"-Infinity": "not_json",
    b"nan": "not_json",
    b"-0": "not_canonical",
    b"-0.0": "bad_value",
    b"0.1": "bad_value",
    b"1.0": "bad_value",
    b"1e2": "bad_value",
    b"1E400": "bad_value",
    b"1e-400": "bad_value",
    b"9007199254740992": "bad_value",
    b"-9007199254740992": "bad_value",
    b"9007199254740993": "bad_value",
    b"1" + b"0" * 30: "bad_value",
    b"1" * 5000: "bad_value",
    b"01": "not_json",
    b"+1": "not_json",
    b"1_000": "not_json",
    b".5": "not_json",
    b"1.": "not_json",
    b"0x10": "not_json",
    b"null": "bad_value",
    b'{"a":null}': "bad_value",
    b"[null]": "bad_value",
    # Text (C15, C18)
    b'"\\ud800"': "not_json",
    b'"\\udc00"': "not_json",
    b'"\\udc00\\ud800"': "not_json",
    b'"\\u0000"': "bad_text",
    b'"\\u001f"': "bad_text",
    b'"\\b"': "bad_text",
    b'"\\t"': "bad_text",
    b'"\\n"': "bad_text",
    b'"\\r"': "bad_text",
    b'"\\f"': "bad_text",
    b'{"\\n":1}': "bad_text",
    b'"\x00"': "not_json",
    b'"\n"': "not_json",
    b'"\x7f"': "bad_text",
    '"e\u0301"'.encode(): "bad_text",
    '"\u0301"'.encode(): "",
    '"\u202egoL"'.encode(): "bad_text",
    '"\u200b"'.encode(): "bad_text",
    '"\ufffe"'.encode(): "bad_text",
    '{"e\u0301":1}'.encode(): "bad_value",
    '{"é":1}'.encode(): "bad_value",
    '{"a":{"中":1}}'.encode(): "bad_value",
    # Structure (C19)
    b"": "not_json",
    b" ": "not_json",
    b'"a" "b"': "not_json",
    b'"a",': "not_json",
    b'{"a":1}{"a":1}': "not_json",
    b"[1,]": "not_json",
    b'{"a":1,}': "not_json",
    b"{'a':1}": "not_json",
    b"{a:1}": "not_json",
    b'{"a":1}/*b*/': "not_json",
    b'{"a":1}#b': "not_json",
    b'{"a":1': "not_json",
    b"[1": "not_json",
    b'"a': "not_json",
    b"tru": "not_json",
    b"True": "not_json",
    b"undefined": "not_json",
    # And what is right beside these
    b"0": "",
    b"-1": "",
    b"9007199254740991": "",
    b"-9007199254740991": "",
    b'""': "",
    b"[]": "",
    b"{}": "",
    b'{"":""}': "",
    b'{"A":1,"a":1}': "",
    b'"\\"\\\\"': "",
    b'"\\\\n\\\\\\\\u0000"': "",
    b'{"\\\\":"\\\\"}': "",
    b"true": "",
    '"é中\U0001f30d"'.encode(): "",
}


@pytest.mark.parametrize(("raw", "code"), CASES.items(), ids=lambda case: ascii(case)[:40])
def test_cases(raw: bytes, code: str) -> None:
    assert code_of(lambda: decode(raw)) == code
    # The same inside of something, where spellings are not the whole value.
    if raw and code not in ("not_json", "not_utf8") and raw.strip() == raw:
        assert code_of(lambda: decode(b'{"x":[' + raw + b"]}")) == code


@pytest.mark.parametrize(("before", "after", "levels"), [(b"[", b"]", 1), (b'{"a":', b"}", 1), (b'[{"a":', b"}]", 2)])
@pytest.mark.parametrize("depth", [DEPTH_MAX - 2, DEPTH_MAX, DEPTH_MAX + 2, 100, 1_000, 8_000])
def test_nesting(before: bytes, after: bytes, levels: int, depth: int) -> None:
    """C13: what would exhaust the stack is refused in the same way as one level too many."""
    raw = before * (depth // levels) + b"1" + after * (depth // levels)
    assert code_of(lambda: decode(raw)) == ("too_deep" if depth > DEPTH_MAX else "")


def test_an_empty_list_is_a_level_and_a_number_is_none() -> None:
    assert code_of(lambda: decode(b"[" * 31 + b"[]" + b"]" * 31)) == ""
    assert code_of(lambda: decode(b"[" * 32 + b"1" + b"]" * 32)) == ""
    assert code_of(lambda: decode(b"[" * 32 + b"[]" + b"]" * 32)) == "too_deep"


def test_a_hundred_thousand_levels() -> None:
    """C13: beyond the size limit anyway, which is looked at first."""
    assert code_of(lambda: decode(b"[" * 100_000 + b"]" * 100_000)) == "too_large"
    assert code_of(lambda: decode(b"[" * 40_000)) == "too_deep"
    assert code_of(lambda: decode(b"[" * (BYTES_MAX // 2) + b"]" * (BYTES_MAX // 2))) == "too_deep"


def test_size() -> None:
    """C14."""
    assert decode(b'"' + b"a" * (BYTES_MAX - 2) + b'"') == "a" * (BYTES_MAX - 2)
    assert code_of(lambda: decode(b'"' + b"a" * (BYTES_MAX - 1) + b'"')) == "too_large"
    assert len(decode(b"[" + b"1," * (BYTES_MAX // 2 - 2) + b"1]")) == BYTES_MAX // 2 - 1
    assert code_of(lambda: decode(b"[" + b"1," * 100_000 + b"1]")) == "too_large"
    assert code_of(lambda: decode(b'"' + b"a" * 1_000_000 + b'"')) == "too_large"


@given(st.text(max_size=30))
def test_text_is_judged_string_by_string(text: str) -> None:
    """The whole is looked at in one piece; this says that no neighbour changes the verdict on a string."""
    raw = encode({"a": ["(", text, ")"], "b": text})
    assert code_of(lambda: decode(raw)) == ("" if is_plain(text) else "bad_text")
