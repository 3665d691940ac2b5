"""A dialogue by commands alone: a verifier finds fault, the claimant answers, the verifier closes and attests.

`gigaton sign` takes any kind from a JSON file; a mistake in the file is told by its code. Source: DESIGN 7; RULES 1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from keys.keyfile import read_ring
from tests.api.small import ATTESTED, UNATTESTED, answer, cut, run

ATTEST, REVIEW = "AENOR Confia S.A.: verifier", "AENOR Confia S.A.: reviewer"


class Desk:
    """A demonstration ledger of five claims, whose last one waits, and the keys of everybody in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.directory = folder, folder / "ledger"
        source = cut(folder / "five.csv", (*ATTESTED, *UNATTESTED))
        code, said = answer("gigaton", "demo", "--data", self.directory, "--input", source)
        assert code == 0
        self.claim = self.reference(said["rows"][-1]["index"])
        passphrase = (self.directory / "keys" / "passphrase.txt").read_text(encoding="utf-8").strip()
        ring = read_ring(self.directory / "keys" / "demonstration.age", passphrase)
        self.owner_of = {stored.name: stored.owner for stored in ring.keys}
        claimant = self.shown(self.claim["index"])["issuer"]
        (self.claimant,) = [one.name for one in ring.keys if one.owner == claimant and "claim" in one.purposes]

    def shown(self, index: int) -> Any:
        return answer("gigaton", "show", index, "--data", self.directory)[1]

    def reference(self, index: int) -> dict[str, Any]:
        """What names an entry in a statement."""
        seen = self.shown(index)
        return {"id": seen["id"], "index": index, "entry_hash": seen["entry_hash"]}

    def say(self, kind: str, key: str, subject: dict[str, Any]) -> tuple[int, Any]:
        """Sign with `gigaton sign` and record with `gigaton submit`: exit code and JSON."""
        body, statement = self.folder / "subject.json", self.folder / "statement.jws"
        body.write_text(json.dumps(subject), encoding="utf-8")
        signed = run(
            *("gigaton", "sign", kind, "--subject", body, "--issuer", self.owner_of[key], "--key", key),
            *("--out", statement, "--data", self.directory),
        )
        if signed.returncode != 0:
            return signed.returncode, signed.stderr
        return answer("gigaton", "submit", statement, "--data", self.directory)

    def attest(self) -> tuple[int, Any]:
        stated = self.shown(self.claim["index"])["subject"]["quantification"]["reduction"]
        return answer(
            *("gigaton", "attest", self.claim["index"], "--opinion", "unmodified", "--verified", stated),
            *("--key", ATTEST, "--review-key", REVIEW, "--data", self.directory),
        )


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("findings"))


def test_found_answered_closed_and_attested(desk: Desk) -> None:
    raising = {
        "action": "raise",
        "claim": desk.claim,
        "finding_type": "CAR",
        "title": "The monitoring report is of another year",
        "text": "Which report is this claim made from?",
        "evidence": [],
    }
    code, said = desk.say("Finding", ATTEST, raising)
    assert code == 0
    finding = desk.reference(said["index"])
    code, refused = desk.attest()
    assert (code, refused["error"]["code"]) == (1, "open_findings")
    told = run("gigaton", "show", desk.claim["index"], "--data", desk.directory)
    assert "1 of 1 open, 1 corrective" in told.stdout

    response = {"to": "finding", "finding": finding, "round": 1, "text": "Of 2019; it is attached.", "evidence": []}
    code, said = desk.say("Response", desk.claimant, {**response, "round": 2})
    assert (code, said["error"]["code"]) == (1, "wrong_round")
    assert desk.say("Response", desk.claimant, response)[0] == 0
    asked = ("gigaton", "find", "findings", "status=answered", "--data", desk.directory)
    assert [one["id"] for one in answer(*asked)[1]["items"]] == [finding["id"]]
    close = {"action": "close", "finding": finding, "resolution": "The report is the right one."}
    assert desk.say("Finding", ATTEST, close)[0] == 0
    assert desk.attest()[0] == 0
    export = desk.folder / "export"
    assert run("gigaton", "export", export, "--data", desk.directory).returncode == 0
    code, found = answer("gigaton-verify", "audit", export, "--trust", desk.directory / "trust.json")
    assert (code, found["kinds"]["Finding"], found["kinds"]["Response"]) == (0, 2, 1)


@pytest.mark.parametrize("wrong", [{"action": "reopen"}, {"deadline": "2030-01-01"}])
def test_a_member_that_is_not_of_the_format_is_refused_before_it_is_signed(desk: Desk, wrong: dict[str, Any]) -> None:
    """A deadline, for one, is computed and never typed in."""
    right = {"action": "raise", "claim": desk.claim, "finding_type": "CL", "title": "x", "text": "x", "evidence": []}
    code, said = desk.say("Finding", ATTEST, {**right, **wrong})
    assert code == 1
    assert "mend the member" in said.lower()
