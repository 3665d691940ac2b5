"""Signed notes and verifier keys: every must-reject case of TLOG-SPEC 2, and what must still be accepted."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.note import COSIGNATURE, ED25519, LINES_MAX, NOTE_BYTES_MAX, Vkey, open_note, parse_note, sign_note
from ledger.errors import BadSignature, LedgerError, Malformed
from tests.core.signers import key_of, log_vkey, note_line, public, signed, witness_vkey

TEXT = "ledger.example/log\n7\nmMl/C6MXXNCLAx3QhLncTmSbZNGijm6mlGRlAxc6tYc=\n"
LOG = log_vkey()
NOTE = signed(TEXT)
LINE = NOTE[len(TEXT.encode()) + 1 :]
BASE64 = LINE.split()[2]
OTHER_LINE = signed(TEXT, "other", vkey=log_vkey("other", origin="other.example/log"))[len(TEXT.encode()) + 1 :]


def code_of(raw: bytes, *known: Vkey) -> str:
    with pytest.raises(LedgerError) as caught:
        open_note(raw, known=known or [LOG])
    return caught.value.code


def test_the_example_of_the_specification() -> None:
    vkey = Vkey.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    raw = (
        "This is an example message.\n\n\N{EM DASH} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONnc"
        "AlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    ).encode()
    note, signers = open_note(raw, known=[vkey])
    assert (note.text, signers) == ("This is an example message.\n", (vkey,))
    for at in range(len(b"This is an example message.")):
        assert code_of(raw[:at] + b"#" + raw[at + 1 :], vkey) == "bad_note_signature"


def test_the_sigsum_checkpoint() -> None:
    """C2SP/C2SP#99: its vkey and note are made again from its seed; the line first posted has an unknown key ID."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(b"\x11" + bytes(31))
    name = "sigsum.org/v1/tree/e796172b92befd62d9dc67e41c2f5bc9d3100a3023b20b1ca40288dd1c679e69"
    vkey = Vkey.make(name, key.public_key().public_bytes_raw())
    assert str(vkey) == f"{name}+809da1a3+AWbguFjkYqYJ5m/nE3DIFtiEb/ED1UmaIqf+w3/bxCSn"
    text = f"{name}\n10\nHA5HAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
    signature = key.sign(text.encode())
    good = f"{text}\n{note_line(name, vkey.key_id, signature)}"
    assert " gJ2ho0n8" in good
    assert open_note(good.encode(), known=[vkey])[1] == (vkey,)
    first_posted = good.replace(" gJ2ho", " pOZUn")
    assert code_of(first_posted.encode(), vkey) == "unsigned_note"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"\n\n",
        TEXT.encode(),
        TEXT.encode() + LINE,
        TEXT.encode() + b"\n",
        TEXT.encode() + b"\n\n",
        NOTE[:-1],
        NOTE[:-1] + b"x",
        NOTE[:-1] + b" ",
        NOTE + b"\n",
        NOTE + b"text\n",
        NOTE + b"\ntext\n",
        NOTE + b"\n" + b"- ledger.example/log " + BASE64 + b"\n",
        NOTE.replace(b"\n7\n", b"\n7\x01\n"),
        NOTE.replace(b"\n7\n", b"\n7\t\n"),
        NOTE.replace(b"\n7\n", b"\n7\r\n"),
        NOTE.replace(b"\n7\n", b"\n7\0\n"),
        NOTE.replace(b"\n", b"\r\n"),
        NOTE.replace(b"\n7\n", b"\n7\xff\n"),
        NOTE.replace(b"\n7\n", b"\n7\xed\xa0\x80\n"),
        NOTE.replace(b"\xe2\x80\x94", b"-"),
        NOTE.replace(b"\xe2\x80\x94", b"\xe2\x80\x93"),
        NOTE.replace(b"\xe2\x80\x94 ", b"\xe2\x80\x94"),
        NOTE.replace(b"\xe2\x80\x94 ", b"\xe2\x80\x94  "),
        NOTE.replace(b"\xe2\x80\x94 ", b" \xe2\x80\x94 "),
        NOTE.replace(b" ledger.example/log ", b" ledger.example /log "),
        NOTE.replace(b" ledger.example/log ", b" ledger.example+log "),
        NOTE.replace(b" ledger.example/log ", b" ledger.example\xc2\xa0log "),
        NOTE.replace(b" ledger.example/log ", b"  "),
        NOTE.replace(BASE64, BASE64 + b" "),
        NOTE.replace(BASE64, b" " + BASE64),
        NOTE.replace(BASE64, b""),
        NOTE.replace(BASE64, base64.b64encode(LOG.key_id)),
        NOTE.replace(BASE64, base64.b64encode(LOG.key_id[:3])),
    ],
)
def test_what_is_no_note(raw: bytes) -> None:
    """TLOG-SPEC 2: separator, line feeds, control characters, UTF-8, key names, anything but signature lines."""
    with pytest.raises(Malformed) as caught:
        parse_note(raw)
    assert caught.value.code == "bad_note"


def other_spellings(encoded: bytes) -> list[bytes]:
    """The same bytes, or nearly, as no strict reader takes them; `encoded` is of 68 bytes and ends with one `=`."""
    assert encoded.endswith(b"=")
    last = encoded[-2:-1]
    spare = bytes([b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".index(last) + 1])
    stray = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[spare[0] : spare[0] + 1]
    return [
        encoded[:-1],
        encoded + b"=",
        encoded[:-2] + stray + b"=",
        encoded[:40] + b"\n" + encoded[40:],
        encoded[:40] + b"=" + encoded[40:],
        encoded[:40] + b"*" + encoded[40:],
        encoded.replace(encoded[20:21], b"-", 1),
        encoded.hex().encode(),
    ]


@pytest.mark.parametrize("encoded", other_spellings(BASE64))
def test_damaged_base64_of_a_known_or_unknown_key(encoded: bytes) -> None:
    """TLOG-SPEC 2: stray bits, missing padding, line breaks; hex is base64 too, but of other bytes."""
    hexed = encoded == BASE64.hex().encode()
    assert code_of(NOTE.replace(BASE64, encoded)) == ("unsigned_note" if hexed else "bad_note")
    if not hexed:
        assert code_of(NOTE + LINE.replace(b"ledger.example", b"nobody").replace(BASE64, encoded)) == "bad_note"


def test_the_limits() -> None:
    lines = [OTHER_LINE] * (LINES_MAX - 1)
    assert open_note(NOTE + b"".join(lines), known=[LOG])[1] == (LOG,)
    assert code_of(NOTE + b"".join([*lines, OTHER_LINE])) == "bad_note"
    room = NOTE_BYTES_MAX - len(signed("\n"))
    full = signed("x" * room + "\n")
    assert len(full) == NOTE_BYTES_MAX
    assert open_note(full, known=[LOG])[1] == (LOG,)
    assert code_of(signed("x" * (room + 1) + "\n")) == "bad_note"


def test_lines_of_unknown_keys_are_skipped() -> None:
    """TLOG-SPEC 2: the same name with another ID, the same ID with another name, another algorithm."""
    same_name = note_line(LOG.name, b"\0\1\2\3", bytes(64)).encode()
    same_id = note_line("other.example/log", LOG.key_id, bytes(64)).encode()
    long = note_line("other.example/log", b"\6\6\6\6", bytes(2428)).encode()
    for extra in (same_name, same_id, long, OTHER_LINE):
        assert open_note(NOTE + extra, known=[LOG])[1] == (LOG,)
        assert open_note(TEXT.encode() + b"\n" + extra + LINE, known=[LOG])[1] == (LOG,)
        assert code_of(TEXT.encode() + b"\n" + extra) == "unsigned_note"


def test_a_known_line_that_fails_refuses_the_note() -> None:
    """Also beside one that holds, and for each of several known keys."""
    other = log_vkey("other", origin="other.example/log")
    wrong = note_line(LOG.name, LOG.key_id, key_of("log").sign(b"another text\n")).encode()
    short = note_line(LOG.name, LOG.key_id, key_of("log").sign(TEXT.encode())[:63]).encode()
    for bad in (wrong, short):
        with pytest.raises(BadSignature) as caught:
            open_note(NOTE + bad, known=[other, LOG])
        assert (caught.value.code, caught.value.facts) == ("bad_note_signature", {"name": LOG.name})
        assert open_note(NOTE.replace(LINE, bad) + OTHER_LINE, known=[other])[1] == (other,)
    assert open_note(NOTE + LINE + OTHER_LINE, known=[LOG, other])[1] == (LOG, other)
    assert code_of(NOTE, other) == "unsigned_note"


def test_a_witness_key_does_not_open_a_note() -> None:
    """A cosignature covers other bytes than the text, so its key proves nothing about a plain line."""
    assert code_of(NOTE, LOG, witness_vkey("w1")) == "bad_vkey"


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]) | st.just("\n"), max_size=200))
def test_signed_notes_open(text: str) -> None:
    """Any text may be signed, with empty lines too; the note splits at the last of them."""
    raw = sign_note(text + "\n", vkey=LOG, sign=key_of("log").sign)
    assert raw == signed(text + "\n")
    note, signers = open_note(raw, known=[LOG])
    assert (note.text, signers) == (text + "\n", (LOG,))


@pytest.mark.parametrize("text", ["", "no line feed", "a\n\nb", "tab\t\n", "\r\n", NOTE.decode()[:-1]])
def test_a_text_that_cannot_stand_in_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(LedgerError) as caught:
        sign_note(text, vkey=LOG, sign=key_of("log").sign)
    assert caught.value.code in ("bad_note", "bad_note_signature")


def test_a_signature_by_another_key_is_not_handed_out() -> None:
    with pytest.raises(BadSignature):
        sign_note(TEXT, vkey=LOG, sign=key_of("other").sign)


@pytest.mark.parametrize("algorithm", [ED25519, COSIGNATURE])
def test_vkeys_are_read_back(algorithm: int) -> None:
    """The base64 of a key may itself hold `+`, so the text is split at the first two only."""
    plus = 0
    for number in range(60):
        vkey = Vkey.make("ledger.example/log", public(f"many {number}"), algorithm=algorithm)
        plus += str(vkey).count("+") > 2
        assert Vkey.parse(str(vkey)) == vkey
    assert plus > 0


NAME, KEY_ID, KEY = str(LOG).split("+", 2)
assert KEY_ID.upper() != KEY_ID, "choose a test key whose ID has letters"


def vkey_text(algorithm: int, key: bytes, *, name: str = NAME) -> str:
    return str(Vkey.make(name, key, algorithm=algorithm))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "++",
        NAME,
        f"{NAME}+{KEY_ID}",
        f"{NAME}+{KEY_ID}+",
        f"+{KEY_ID}+{KEY}",
        f"{NAME}+{KEY_ID.upper()}+{KEY}",
        f"{NAME}+{KEY_ID[:-1]}+{KEY}",
        f"{NAME}+0{KEY_ID}+{KEY}",
        f"{NAME}+00000000+{KEY}",
        f"x{NAME}+{KEY_ID}+{KEY}",
        f"{NAME}+{KEY_ID}+{KEY}\n",
        f" {NAME}+{KEY_ID}+{KEY}",
        f"{NAME}+{KEY_ID}+{KEY[:-1]}",
        f"{NAME}+{KEY_ID}+{KEY[:-4]}",
        f"{NAME}+{KEY_ID}+{base64.b64encode(public('log')).decode()}",
        vkey_text(ED25519, public("log")[:31]),
        vkey_text(ED25519, public("log") + b"\0"),
        vkey_text(0x02, public("log")),
        vkey_text(0x06, bytes(1312)),
        vkey_text(0xFF, public("log")),
        "\ud800+00000000+AQ==",
        f"a\0b+{KEY_ID}+{KEY}",
        f"a\N{IDEOGRAPHIC SPACE}b+{KEY_ID}+{KEY}",
    ],
    ids=ascii,
)
def test_other_spellings_and_kinds_of_vkeys_are_refused(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        Vkey.parse(text)
    assert caught.value.code == "bad_vkey"


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\tb", "a\0b", "a\u2003b", "a\x85b", "\udfff", "x" * 256])
def test_key_names_hold_no_space_and_no_plus(name: str) -> None:
    with pytest.raises(Malformed) as caught:
        Vkey.make(name, public("log"))
    assert caught.value.code == "bad_key_name"
