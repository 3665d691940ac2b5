"""Checkpoints and cosignatures: one spelling, one maker, and no witness counted that did not sign (L11, L17)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ledger
from ledger.core.checkpoint import SIZE_MAX, Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from ledger.core.hashing import EMPTY_ROOT
from ledger.core.note import ED25519, Vkey
from ledger.errors import BadSignature, LedgerError, Malformed, Unproven
from tests.core.signers import (
    ORIGIN,
    checkpoint_text,
    cosignature_line,
    key_of,
    log_vkey,
    public,
    signed,
    witness_vkey,
)

LOG = log_vkey()
ROOT = bytes(range(32))
TEXT = checkpoint_text(7, ROOT)
NOTE = signed(TEXT)
W1, W2, W3 = witness_vkey("w1"), witness_vkey("w2"), witness_vkey("w3")
NOW_S = 1_790_000_000


def refusal(raw: bytes, *witnesses: Vkey, log: Vkey = LOG, origin: str = ORIGIN) -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        open_checkpoint(raw, log=log, origin=origin, witnesses=witnesses)
    return caught.value


def test_what_is_opened_is_what_was_signed() -> None:
    for size, root in [(0, EMPTY_ROOT), (1, ROOT), (SIZE_MAX, ROOT)]:
        raw = sign_checkpoint(Checkpoint(ORIGIN, size, root), vkey=LOG, sign=key_of("log").sign)
        assert raw == signed(checkpoint_text(size, root))
        opened = open_checkpoint(raw, log=LOG, origin=ORIGIN)
        assert (opened.origin, opened.size, opened.root, opened.raw) == (ORIGIN, size, root, raw)
        assert opened.cosignatures == ()


def test_the_empty_tree_has_the_line_of_the_specification() -> None:
    assert checkpoint_text(0, EMPTY_ROOT) == f"{ORIGIN}\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


SIZES = "+7 -7 07 00 007 1_000 7.0 7e0 0x7 7L 9223372036854775808 18446744073709551623 99999999999999999999".split()
DIGITS_ELSEWHERE = ["\u0667", "7\u0660", "\u096d", "\u2077", "\uff17"]  # Arabic, Devanagari, superscript, wide
AROUND = ["", " 7", "7 ", "7\r", "\t7", "7\0", "7\N{NO-BREAK SPACE}", "1" * 5000]


@pytest.mark.parametrize("size", [*SIZES, *DIGITS_ELSEWHERE, *AROUND], ids=lambda size: ascii(size[:30]))
def test_other_spellings_of_a_size_are_refused(size: str) -> None:
    """TLOG-SPEC 10.3, L11: with a good signature over exactly these bytes."""
    text = TEXT.replace("\n7\n", f"\n{size}\n")
    with pytest.raises(Malformed) as caught:
        parse_checkpoint(text)
    assert caught.value.code == "bad_checkpoint"
    assert refusal(signed(text)).code in ("bad_checkpoint", "bad_note")


ROOT_LINE = TEXT.split("\n")[2]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n7\n" + ROOT_LINE + "\n",
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n7\n{ROOT_LINE}",
        f"{ORIGIN}\n7\n\n",
        f"{ORIGIN}\n\n{ROOT_LINE}\n",
        TEXT + "\n",
        TEXT + "extension line\n",
        TEXT + "extension line\nanother\n",
        "\n" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r"),
        TEXT.replace(ROOT_LINE, ROOT_LINE[:-1]),
        TEXT.replace(ROOT_LINE, ROOT_LINE + "="),
        TEXT.replace(ROOT_LINE, " " + ROOT_LINE),
        TEXT.replace(ROOT_LINE, ROOT_LINE + " "),
        TEXT.replace(ROOT_LINE, ROOT_LINE[:-2] + "9="),
        TEXT.replace(ROOT_LINE, ROOT_LINE[4:]),
        TEXT.replace(ROOT_LINE, "AAAA" + ROOT_LINE),
        TEXT.replace(ROOT_LINE, ROOT.hex()),
        TEXT.replace(ROOT_LINE, ROOT_LINE.replace("+", "-").replace("/", "_").rstrip("=")),
        checkpoint_text(0, ROOT),
        checkpoint_text(7, ROOT, origin="ledger.example/\N{RIGHT-TO-LEFT OVERRIDE}gol"),
        checkpoint_text(7, ROOT, origin="\ud800"),
    ],
    ids=ascii,
)
def test_what_is_no_checkpoint(text: str) -> None:
    """L11: lines missing, added or of another spelling; also under a good signature, where a note can hold it."""
    with pytest.raises(Malformed) as caught:
        parse_checkpoint(text)
    assert caught.value.code == "bad_checkpoint"
    if text.endswith("\n") and text.isascii():
        assert refusal(signed(text)).code in ("bad_checkpoint", "bad_note")


@pytest.mark.parametrize(("origin", "size"), [(ORIGIN, 0), ("a\nb", 7), (ORIGIN, -1), (ORIGIN, 2**63), ("", 7)])
def test_what_is_no_checkpoint_is_not_signed(origin: str, size: int) -> None:
    with pytest.raises(Malformed) as caught:
        sign_checkpoint(Checkpoint(origin, size, ROOT), vkey=LOG, sign=key_of("log").sign)
    assert caught.value.code == "bad_checkpoint"


@given(st.integers(0, len(NOTE) * 8 - 1))
def test_any_flipped_bit_is_noticed(bit: int) -> None:
    touched = bytearray(NOTE)
    touched[bit // 8] ^= 1 << bit % 8
    refusal(bytes(touched))


def test_the_checkpoint_of_another_log() -> None:
    """L07, R11: another origin under the right key, the right origin under another key."""
    elsewhere = checkpoint_text(7, ROOT, origin="elsewhere.example/log")
    error = refusal(signed(elsewhere))
    assert isinstance(error, Unproven)
    assert (error.code, error.facts) == ("other_origin", {"origin": "elsewhere.example/log"})
    assert refusal(NOTE, origin="elsewhere.example/log").facts == {"origin": ORIGIN}
    assert refusal(signed(TEXT, "other")).code == "unsigned_note"
    assert refusal(NOTE, log=log_vkey("other")).code == "unsigned_note"
    # The name and ID of the log's key, but not its signature.
    assert refusal(signed(TEXT, "other", vkey=LOG)).code == "bad_note_signature"


def test_keys_of_the_wrong_type_are_refused() -> None:
    """A log key signs text, a witness key a moment and text; neither stands in for the other."""
    assert refusal(NOTE, log=Vkey.make(ORIGIN, public("log"), algorithm=4)).code == "bad_vkey"
    assert refusal(NOTE, Vkey.make("witness.example/w1", public("w1"), algorithm=ED25519)).code == "bad_vkey"


def test_cosignatures_of_known_witnesses_are_collected() -> None:
    raw = NOTE + cosignature_line(TEXT, "w1", timestamp_s=NOW_S) + cosignature_line(TEXT, "w2", timestamp_s=1)
    opened = open_checkpoint(raw, log=LOG, origin=ORIGIN, witnesses=[W1, W2, W3])
    assert opened.cosignatures == ((W1, NOW_S), (W2, 1))
    assert opened.raw == raw
    assert open_checkpoint(raw, log=LOG, origin=ORIGIN, witnesses=[W2]).cosignatures == ((W2, 1),)
    assert open_checkpoint(raw, log=LOG, origin=ORIGIN).cosignatures == ()


def test_the_largest_moment() -> None:
    raw = NOTE + cosignature_line(TEXT, "w1", timestamp_s=2**63 - 1)
    assert open_checkpoint(raw, log=LOG, origin=ORIGIN, witnesses=[W1]).cosignatures == ((W1, 2**63 - 1),)


def test_a_witness_counts_once() -> None:
    """L17: two lines of one witness, one witness named twice, one key under two names."""
    raw = NOTE + cosignature_line(TEXT, "w1", timestamp_s=NOW_S) + cosignature_line(TEXT, "w1", timestamp_s=NOW_S + 1)
    assert open_checkpoint(raw, log=LOG, origin=ORIGIN, witnesses=[W1, W1]).cosignatures == ((W1, NOW_S),)
    alias = Vkey.make("witness.example/alias", public("w1"), algorithm=4)
    raw = NOTE + b"".join(cosignature_line(TEXT, "w1", timestamp_s=NOW_S, vkey=vkey) for vkey in (W1, alias))
    assert len(open_checkpoint(raw, log=LOG, origin=ORIGIN, witnesses=[W1, alias]).cosignatures) == 1


def test_a_witness_alone_opens_nothing() -> None:
    raw = TEXT.encode() + b"\n" + cosignature_line(TEXT, "w1", timestamp_s=NOW_S)
    assert refusal(raw, W1).code == "unsigned_note"


@pytest.mark.parametrize(
    "line",
    [
        cosignature_line(TEXT, "w1", timestamp_s=0),
        cosignature_line(checkpoint_text(8, ROOT), "w1", timestamp_s=NOW_S),
        cosignature_line(checkpoint_text(7, ROOT, origin="elsewhere.example/log"), "w1", timestamp_s=NOW_S),
        cosignature_line(TEXT + "extension\n", "w1", timestamp_s=NOW_S),
        cosignature_line(TEXT, "w2", timestamp_s=NOW_S, vkey=W1),
        signed(TEXT, "w1", vkey=W1)[len(TEXT.encode()) + 1 :],
    ],
    ids=["moment 0", "other size", "other origin", "extension", "other key", "plain signature"],
)
def test_a_known_witness_must_have_signed_this(line: bytes) -> None:
    """TLOG-SPEC 4: a matching line is checked, and one that fails refuses the note; an unknown one is skipped."""
    error = refusal(NOTE + line, W1)
    assert isinstance(error, BadSignature)
    assert (error.code, error.facts) == ("bad_note_signature", {"name": W1.name})
    assert open_checkpoint(NOTE + line, log=LOG, origin=ORIGIN, witnesses=[W2]).cosignatures == ()


@given(st.integers(0, 75), st.integers(0, 7))
def test_any_flipped_bit_of_a_cosignature_is_noticed(byte: int, bit: int) -> None:
    """The moment is signed too; with another key ID the line is unknown and counts for nothing."""
    import base64

    line = cosignature_line(TEXT, "w1", timestamp_s=NOW_S)
    encoded = line.split()[2]
    touched = bytearray(base64.b64decode(encoded))
    touched[byte] ^= 1 << bit
    raw = NOTE + line.replace(encoded, base64.b64encode(touched))
    if byte < 4:
        assert open_checkpoint(raw, log=LOG, origin=ORIGIN, witnesses=[W1]).cosignatures == ()
    else:
        assert refusal(raw, W1).code == "bad_note_signature"


def test_one_place_makes_verified_checkpoints() -> None:
    """Size and root come as one because nobody else calls the constructor, in the product or in its tests."""
    makers = set()
    for path in Path(ledger.__file__).parents[1].glob("[alktv]*/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "VerifiedCheckpoint":
                makers.add(path.relative_to(Path(ledger.__file__).parents[1]).as_posix())
    assert makers == {"ledger/core/checkpoint.py"}
