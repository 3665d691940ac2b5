"""`gigaton attest`: a verifier's opinion on a claim of a real ledger, recomputed, signed and recorded in one step.

Source: DESIGN 7; RULES 4. Covers THREATS S22 (a key of another purpose), D21 (a second opinion of one verifier).
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from api.cli.attesting import INDEX_MAX, attest
from api.cli.output import exit_code_of
from api.wiring import open_for_reading
from keys.keyfile import KeyRing, read_ring, write_ring
from ledger.errors import LedgerError
from ledger.service import report
from tests.api.small import ATTESTED, UNATTESTED, answer, cut, run

VERIFIER = "AENOR Confia S.A."
ATTEST, REVIEW = f"{VERIFIER}: verifier", f"{VERIFIER}: reviewer"


class Small(NamedTuple):
    """A ledger of five claims; three have nobody's attestation. `stated` is what these state, in kg."""

    directory: Path
    waiting: tuple[int, ...]
    stated: tuple[str, ...]

    def attest(self, index: int, **options: object) -> tuple[int, Any]:
        """The command, with what is right for this ledger unless an option says otherwise."""
        given = self.right(index, **options)
        words = [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", value)]
        return answer("gigaton", "attest", index, *words)

    def right(self, index: int, **options: object) -> dict[str, Any]:
        """Options that the rules take for a waiting claim, changed by others; None leaves one out."""
        amount = self.stated[self.waiting.index(index)] if index in self.waiting else "1.000"
        given = {"opinion": "unmodified", "verified": amount, "key": ATTEST, "review_key": REVIEW, **options}
        return {name: value for name, value in {**given, "data": self.directory}.items() if value is not None}

    def size(self) -> int:
        """Entries of the log."""
        with open_for_reading(self.directory) as ledger:
            return report.head(ledger).size

    def total_g(self) -> int:
        """What counts."""
        with open_for_reading(self.directory) as ledger:
            return report.totals(ledger).total_g


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    folder = tmp_path_factory.mktemp("attest")
    source = cut(folder / "five.csv", (*ATTESTED, *UNATTESTED))
    code, said = answer("gigaton", "demo", "--data", folder / "ledger", "--input", source)
    assert code == 0
    waiting = tuple(row["index"] for row in said["rows"] if row["outcome"] == "no_verifier")
    with source.open(encoding="utf-8", newline="") as file:
        stated = tuple(f"{row['quantity_tco2e']}000.000" for row in csv.DictReader(file) if not row["verifier"])
    return Small(folder / "ledger", waiting, stated)


def test_an_attestation_counts_and_leaves_a_receipt(small: Small, tmp_path: Path) -> None:
    index, before, size = small.waiting[0], small.total_g(), small.size()
    code, said = small.attest(index, receipt=tmp_path / "kept" / "mine", assurance="reasonable")
    assert (code, said["index"], said["size"]) == (0, size, size + 1)
    assert said["claim"]["index"] == index
    assert said["stated"] == said["recomputed"] == said["verified"] == small.stated[0]
    assert small.total_g() - before == int(said["verified"].replace(".", ""))
    attestation = answer("gigaton", "show", size, "--data", small.directory)[1]["subject"]
    assert (attestation["opinion"], attestation["assurance"]) == ("unmodified", "reasonable")
    trust = small.directory / "trust.json"
    checked = run(
        *("gigaton-verify", "receipt", tmp_path / "kept" / "mine.tlog-proof"),
        *("--entry", tmp_path / "kept" / "mine.json", "--trust", trust),
    )
    assert checked.returncode == 0
    export = tmp_path / "export"
    assert run("gigaton", "export", export, "--data", small.directory).returncode == 0
    code, found = answer("gigaton-verify", "audit", export, "--trust", trust)
    assert (code, found["entries"]) == (0, size + 1)

    code, said = small.attest(index)
    assert (code, said["error"]["code"]) == (1, "second_opinion")


def test_a_verifier_may_keep_its_keys_in_files_of_its_own(small: Small, tmp_path: Path) -> None:
    passphrase = (small.directory / "keys" / "passphrase.txt").read_text(encoding="utf-8").strip()
    held = {key.name: key for key in read_ring(small.directory / "keys" / "demonstration.age", passphrase).keys}
    files = tmp_path / "home"
    files.mkdir(mode=0o700)
    write_ring(files / "me.age", KeyRing((held[ATTEST],)), "mine alone")
    write_ring(files / "reviewer.age", KeyRing((held[REVIEW],)), "mine alone")
    (files / "own.txt").write_text("mine alone\n", encoding="utf-8")
    index, size = small.waiting[1], small.size()
    own = {"key": files / "me.age", "review_key": files / "reviewer.age"}

    assert small.attest(index, **own)[1]["error"]["code"] == "wrong_passphrase"
    swapped = {"key": own["review_key"], "review_key": own["key"], "key_passphrase_file": files / "own.txt"}
    code, said = small.attest(index, **swapped)
    assert (code, said["error"]["code"]) == (1, "no_such_key")
    assert small.size() == size

    code, said = small.attest(index, **own, key_passphrase_file=files / "own.txt", opinion="adverse", verified="0.000")
    assert (code, said["index"], said["verified"]) == (0, size, "0.000")


REFUSED: dict[str, tuple[dict[str, object], str, int]] = {
    "the reviewer is missing": ({"review_key": None}, "missing_approval", 1),
    "a reviewer as author": ({"key": REVIEW, "review_key": ATTEST}, "wrong_purpose", 1),
    "a key that nobody has": ({"key": "nobody"}, "no_such_key", 1),
    "a key file that is not there": ({"key": "nobody.age"}, "unreadable_file", 2),
    "the key that seals": ({"key": "seal"}, "wrong_key_type", 2),
    "an unknown opinion": ({"opinion": "good"}, "bad_schema", 1),
    "more than is claimed": ({"verified": "9999999999999.000"}, "amount_above_claim", 1),
    "a materiality of one half": ({"materiality_ppm": 500_000}, "materiality_too_wide", 1),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_rules_forbid_is_refused_with_its_code(small: Small, what: str) -> None:
    options, code, exit_code = REFUSED[what]
    size = small.size()
    with pytest.raises(LedgerError) as refused:
        attest(small.waiting[2], **small.right(small.waiting[2], **options))
    assert (refused.value.code, exit_code_of(refused.value)) == (code, exit_code)
    assert small.size() == size


@pytest.mark.parametrize(("index", "code"), [(0, "not_a_claim"), (10_000, "no_entry"), (INDEX_MAX, "no_entry")])
def test_only_a_recorded_claim_is_attested(small: Small, index: int, code: str) -> None:
    with pytest.raises(LedgerError) as refused:
        attest(index, **small.right(index))
    assert refused.value.code == code


@pytest.mark.parametrize("index", ["-1", INDEX_MAX + 1, 2**70, "twelve"])
def test_an_index_that_no_log_can_have_is_wrong_usage(small: Small, index: object) -> None:
    words = [word for name, value in small.right(0).items() for word in (f"--{name.replace('_', '-')}", value)]
    assert run("gigaton", "attest", *words, "--", index).returncode == 2


def test_it_explains_itself_with_an_example(small: Small) -> None:
    said = run("gigaton", "attest", "--help")
    assert said.returncode == 0
    assert "Example:  gigaton attest 12" in said.stdout


def test_for_people_a_refusal_says_its_code_and_what_to_do(small: Small) -> None:
    words = ["--opinion", "unmodified", "--verified", "1.000", "--key", "nobody", "--data", small.directory]
    said = run("gigaton", "attest", small.waiting[2], *words)
    assert (said.returncode, said.stdout) == (1, "")
    assert "error no_such_key" in said.stderr
    assert "do: " in said.stderr
