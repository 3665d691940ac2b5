"""Receipts (`.tlog-proof`): one spelling, one entry, one log, one size (L13, R11)."""

from __future__ import annotations

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.check import PROOF_HASHES_MAX
from ledger.core.receipt import Receipt, check_receipt, parse_receipt
from ledger.errors import BadProof, LedgerError, Malformed
from tests.core.signers import ORIGIN, checkpoint_text, cosignature_line, log_vkey, signed, witness_vkey
from tests.reference.tree import ReferenceTree

ENTRIES = [f"entry {index}".encode() for index in range(300)]
TREE = ReferenceTree(ENTRIES)
LOG = log_vkey()
NOTES = {size: signed(checkpoint_text(size, TREE.root(size))) for size in (1, 3, 4, 5, 6, 7, 300)}


def receipt(index: int, size: int) -> Receipt:
    return Receipt(index, tuple(TREE.inclusion(index, size)), NOTES[size])


def refusal(given_receipt: Receipt, entry: bytes) -> LedgerError:
    with pytest.raises(LedgerError) as caught:
        check_receipt(given_receipt, entry=entry, log=LOG, origin=ORIGIN)
    return caught.value


@given(st.sampled_from([1, 7, 300]), st.data(), st.none() | st.binary(max_size=300))
def test_receipts_are_read_back_and_hold(size: int, data: st.DataObject, extra: bytes | None) -> None:
    index = data.draw(st.integers(0, size - 1))
    made = Receipt(index, tuple(TREE.inclusion(index, size)), NOTES[size], extra)
    again = parse_receipt(made.encode())
    assert again == made
    opened = check_receipt(again, entry=ENTRIES[index], log=LOG, origin=ORIGIN)
    assert (opened.size, opened.root) == (size, TREE.root(size))


def test_the_file_is_that_of_the_specification() -> None:
    raw = Receipt(5, (b"\0" * 32, b"\1" * 32), NOTES[7], b"extra").encode()
    zeros, ones = "A" * 43 + "=", base64.b64encode(b"\1" * 32).decode()
    head = f"c2sp.org/tlog-proof@v1\nextra ZXh0cmE=\nindex 5\n{zeros}\n{ones}\n\n"
    assert raw == head.encode() + NOTES[7]


def test_witnesses_travel_with_the_checkpoint() -> None:
    text = checkpoint_text(7, TREE.root(7))
    cosigned = NOTES[7] + cosignature_line(text, "w1", timestamp_s=1_790_000_000)
    made = Receipt(5, tuple(TREE.inclusion(5, 7)), cosigned)
    opened = check_receipt(made, entry=ENTRIES[5], log=LOG, origin=ORIGIN, witnesses=[witness_vkey("w1")])
    assert [one.timestamp_s for one in opened.cosignatures] == [1_790_000_000]


def test_only_the_diagonal_passes() -> None:
    """R11: index, path, checkpoint and entry of five receipts in every mixture; only the five true ones hold."""
    true = [(index, receipt(index, size)) for index, size in [(0, 3), (2, 4), (2, 5), (5, 6), (6, 7)]]
    passed, codes = [], set()
    for of_index, of_path, of_note, of_entry in itertools.product(range(5), repeat=4):
        mixed = Receipt(true[of_index][1].index, true[of_path][1].path, true[of_note][1].checkpoint)
        try:
            check_receipt(mixed, entry=ENTRIES[true[of_entry][0]], log=LOG, origin=ORIGIN)
        except LedgerError as error:
            codes.add(error.code)
        else:
            passed.append((of_index, of_path, of_note, of_entry))
    assert codes == {"bad_proof", "bad_path", "bad_range"}
    # Two of the five are of entry 2, so that index and entry may be swapped between them.
    assert passed == [one for one in itertools.product(range(5), repeat=4) if is_the_same_receipt(*one)]


def is_the_same_receipt(of_index: int, of_path: int, of_note: int, of_entry: int) -> bool:
    numbers = [0, 2, 2, 5, 6]
    return of_path == of_note and numbers[of_index] == numbers[of_path] == numbers[of_entry]


def test_a_path_of_size_3_does_not_pass_as_of_size_4() -> None:
    """Size and root come from one signed checkpoint; to pass, the log would have to sign the wrong root for a size."""
    true = receipt(0, 3)
    check_receipt(true, entry=ENTRIES[0], log=LOG, origin=ORIGIN)
    error = refusal(Receipt(0, true.path, NOTES[4]), ENTRIES[0])
    assert isinstance(error, BadProof)
    assert error.expected_root == TREE.root(4)
    mixed = signed(checkpoint_text(3, TREE.root(3))).replace(b"\n3\n", b"\n4\n")
    assert refusal(Receipt(0, true.path, mixed), ENTRIES[0]).code == "bad_note_signature"


def test_an_entry_that_was_changed() -> None:
    for index in (0, 150, 299):
        error = refusal(receipt(index, 300), ENTRIES[index] + b"!")
        assert isinstance(error, BadProof)
        assert error.expected_root == TREE.root(300)


def test_an_index_beyond_the_size() -> None:
    assert refusal(Receipt(7, receipt(6, 7).path, NOTES[7]), ENTRIES[6]).code == "bad_range"


GOOD = receipt(5, 7).encode()
HEAD, NOTE = GOOD.split(b"\n\n", 1)
LINES = HEAD.decode().split("\n")


def with_lines(*lines: str) -> bytes:
    return "\n".join(lines).encode() + b"\n\n" + NOTE


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        HEAD,
        HEAD + b"\n",
        NOTE,
        b"\n" + GOOD,
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        GOOD.replace(b"@v1", b"@v2"),
        GOOD.replace(b"c2sp", b"C2SP"),
        GOOD.replace(b"@v1", b"@v1 "),
        with_lines(*LINES[:1]),
        with_lines(*LINES[1:]),
        with_lines(LINES[0], *LINES[2:]),
        with_lines(LINES[0], "Index 5", *LINES[2:]),
        with_lines(LINES[0], "index", *LINES[2:]),
        with_lines(LINES[0], "index ", *LINES[2:]),
        with_lines(LINES[0], "index  5", *LINES[2:]),
        with_lines(LINES[0], "index 5 ", *LINES[2:]),
        with_lines(LINES[0], "index +5", *LINES[2:]),
        with_lines(LINES[0], "index 05", *LINES[2:]),
        with_lines(LINES[0], "index -5", *LINES[2:]),
        with_lines(LINES[0], "index 0x5", *LINES[2:]),
        with_lines(LINES[0], "index \u0665", *LINES[2:]),
        with_lines(LINES[0], "index 9223372036854775808", *LINES[2:]),
        with_lines(LINES[0], "index 5", "index 5", *LINES[2:]),
        with_lines(LINES[0], LINES[2], LINES[1], *LINES[3:]),
        with_lines(*LINES[:2], "extra AAAA", *LINES[2:]),
        with_lines(LINES[0], "extra AAAA", "extra AAAA", *LINES[1:]),
        with_lines(LINES[0], "extra", *LINES[1:]),
        with_lines(LINES[0], "extra AAA", *LINES[1:]),
        with_lines(LINES[0], "extra AB==", *LINES[1:]),
        with_lines(LINES[0], "extra  AAAA", *LINES[1:]),
        with_lines(LINES[0], "other AAAA", *LINES[1:]),
        with_lines(*LINES[:2], LINES[2][:-1], *LINES[3:]),
        with_lines(*LINES[:2], LINES[2] + " ", *LINES[3:]),
        with_lines(*LINES[:2], LINES[2][4:], *LINES[3:]),
        with_lines(*LINES[:2], "AAAA" + LINES[2], *LINES[3:]),
        with_lines(*LINES[:2], "", *LINES[3:])[1:],
        with_lines(*LINES[:2], "A" * 42 + "B=", *LINES[3:]),
        with_lines(*LINES[:2], *["A" * 43 + "="] * (PROOF_HASHES_MAX + 1)),
        GOOD.replace(b"\n\n", b"\n\n" + b"\0" * 2_000_000),
    ],
)
def test_other_spellings_are_refused(raw: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        parse_receipt(raw)
    assert caught.value.code == "bad_receipt"


def test_the_most_hashes_a_proof_can_have() -> None:
    assert len(parse_receipt(with_lines(*LINES[:2], *["A" * 43 + "="] * PROOF_HASHES_MAX)).path) == PROOF_HASHES_MAX


@given(st.integers(0, len(GOOD) * 8 - 1))
def test_any_flipped_bit_is_noticed(bit: int) -> None:
    """But for `extra`, which is not authenticated and not there, every bit of the file matters."""
    touched = bytearray(GOOD)
    touched[bit // 8] ^= 1 << bit % 8
    with pytest.raises(LedgerError):
        check_receipt(parse_receipt(bytes(touched)), entry=ENTRIES[5], log=LOG, origin=ORIGIN)
