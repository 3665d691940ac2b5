"""Text: characters that are there for good, that show themselves, in normal form C (C03, C04, C15, C18)."""

from __future__ import annotations

import sys
import unicodedata
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.core.characters import allowed_text
from ledger.core.strict import require_plain_text
from ledger.errors import Malformed
from tests.core.refusals import code_of

FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
# Controls, soft hyphen, joiners, marks and overrides of direction, separators, isolates, byte order mark,
# annotation, noncharacters, surrogates, private use, unassigned, tag, the very last.
REFUSED = (
    "\0\t\n\r\x1b\x7f\x80\x85\x9f\xad\u061c\u200b\u200d\u200e\u200f\u2028\u2029\u202a\u202e\u2060\u2066\u2069\ufeff"
    "\ufff9\ufffe\uffff\ud800\udfff\ue000\u0378\U000e0001\U0010ffff"
)


def is_plain(text: str) -> bool:
    code = code_of(lambda: require_plain_text(text))
    assert code in ("", "bad_text")
    return not code


def test_the_characters_of_text_are_those_of_unicode_14() -> None:
    """Every code point, judged by Python's own tables where these are of version 14.

    Whatever version Python knows, what the table allows is assigned there, and nothing that a later table might call
    a control, a format character or a separator has come in.
    """
    never = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        allowed = allowed_text().fullmatch(character) is not None
        judged = unicodedata.category(character) not in never and character not in FILLERS
        assert judged or not allowed, hex(code)
        assert judged == allowed or unicodedata.unidata_version != "14.0.0", hex(code)


def test_the_table_is_the_same_on_every_machine() -> None:
    """Changing one character of it would make good entries bad: this is a new version of the format, or a mistake."""
    allowed = "".join(chr(code) for code in range(sys.maxunicode + 1) if allowed_text().fullmatch(chr(code)))
    assert len(allowed) == 144_525
    assert sha256(allowed.encode()).hexdigest() == "14745810aaa9021d1b084136061adb6e5e323dc643f35a195c489b71b9d6d495"


@pytest.mark.parametrize(
    "text",
    [
        "",
        'Solar roof, phase 2 ("north") \\ 100 %',
        "\u4e2d\u56fd\u6807\u51c6 \u98ce\u7535 \u4e09\u671f",
        "M\u00fcller & S\u00f6hne; \u0141\u00f3d\u017a; \u0130stanbul; \u0395\u03bb\u03bb\u03ac\u03b4\u03b1",
        "\u05d9\u05e8\u05d5\u05e9\u05dc\u05d9\u05dd \u0627\u0644\u0642\u0627\u0647\u0631\u0629 \u0e44\u0e17\u0e22",
        "\u09ac\u09be\u0982\u09b2\u09be \u0d2e\u0d32\u0d2f\u0d3e\u0d33\u0d02 \u0d7b",
        "\U00020000 \U0001f30d",
        "a\N{NO-BREAK SPACE}b\N{IDEOGRAPHIC SPACE}c",
        "\u845b\U000e0100",
    ],
    ids=ascii,
)
def test_names_of_the_world_are_plain_text(text: str) -> None:
    require_plain_text(text)


@pytest.mark.parametrize("character", REFUSED + FILLERS, ids=ascii)
def test_characters_that_hide_reorder_or_mean_nothing(character: str) -> None:
    """C04, C15, C18: alone, at either end, between words; the message names the first."""
    for text in (character, character + "b", "a" + character, f"a{character}b", f"\u4e2d{character}\u6587{character}"):
        with pytest.raises(Malformed) as caught:
            require_plain_text(text)
        assert caught.value.code == "bad_text"
        assert f"U+{ord(character):04X}" in caught.value.message


@given(st.text())
@example("e\u0301")
@example("\u0958")
@example("\uf900")
@example("\u1112\u1161\u11ab")
@example("a\u0323\u0307")
@example("a\u0307\u0323")
def test_text_is_in_normal_form_c(text: str) -> None:
    """C03: never normalised for the writer, but refused."""
    composed = unicodedata.normalize("NFC", text)
    assert is_plain(text) == (composed == text and allowed_text().fullmatch(text) is not None)
    decomposed = unicodedata.normalize("NFD", text)
    assert decomposed == composed or not is_plain(decomposed)
