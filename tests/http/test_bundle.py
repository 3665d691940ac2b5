"""A claim's bundle holds all that the rule book asks for, each with a proof that existing tools accept, and no more.

Covers THREATS H10, R13; source: STYLE 3 (the walk of a claim, step 6).
"""

from __future__ import annotations

import io
import json
import subprocess
import tracemalloc
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from keys.trust import Trust, write_trust
from ledger.core.receipt import check_receipt, parse_receipt
from ledger.domain import records
from ledger.errors import Unavailable
from ledger.service import bundle as acts
from ledger.service.evidence import may_read
from ledger.service.ledger import Ledger
from ledger.service.submit import submit
from ledger.store import queries
from ledger.store.service_tables import EVIDENCE
from tests.api.small import run
from tests.http.conftest import Varied
from tests.http.test_reads import address, said
from tests.http.varied import Kept, fold
from tests.ledgers import found
from tests.world import ORIGIN, World

EVERYTHING, NOTHING = (lambda digest: True), (lambda digest: False)


def unzipped(raw: bytes) -> dict[str, bytes]:
    """The files of a zip, whose sums are right."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def made(ledger: Ledger, claim: str, may_read: acts.MayRead = EVERYTHING) -> dict[str, bytes]:
    return unzipped(b"".join(acts.bundle(ledger, claim, may_read=may_read).stream()))


def test_every_bundle_is_accepted_by_the_rule_book_with_nothing_else(varied: Varied) -> None:
    """The entries inside, folded alone in their order: each is accepted, and the claim is what the log says."""
    state = varied.kept.state
    log, alike = varied.kept.scene.world.log_vkey, 0
    with varied.client() as client:
        for claim in state.all(records.ClaimRecord)[::3]:
            answer = client.get(address("claims", claim.id) + "/bundle")
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
            files = unzipped(answer.content)
            manifest = json.loads(files["manifest.json"])
            inside = {one["index"]: files[one["file"]] for one in manifest["entries"]}
            assert [one["index"] for one in manifest["entries"]] == sorted(inside)
            for one in manifest["entries"]:
                raw = files[one["file"]]
                assert raw == varied.kept.entries[one["index"]]
                under = check_receipt(parse_receipt(files[one["proof"]]), entry=raw, log=log, origin=ORIGIN)
                assert (under.raw, under.size) == (files["checkpoint"], manifest["checkpoint"]["size"])
                assert (said(raw).kind, said(raw).id, said(raw).issuer) == (one["kind"], one["id"], one["issuer"])
            alone = fold([inside[index] for index in sorted(inside)]).get(records.ClaimRecord, claim.id)
            assert alone is not None
            # How many verifiers are needed follows from other claims, which are not inside (docs/api.md says so).
            assert alone.attestations == claim.attestations
            assert (alone == claim) == (alone.quorum == claim.quorum)
            alike += alone == claim
            named = {"manifest.json", "checkpoint"}
            named |= {one[what] for one in manifest["entries"] for what in ("file", "proof")}
            assert set(files) == named  # and no evidence, which nobody laid open
    assert alike > 20


def test_a_bundle_is_checked_by_the_tools_there_are(varied: Varied, tmp_path: Path) -> None:
    claim = next(one for one in varied.kept.state.all(records.ClaimRecord) if one.status == "verified")
    with varied.client() as client:
        (tmp_path / "claim.zip").write_bytes(client.get(address("claims", claim.id) + "/bundle").content)
    subprocess.run(["unzip", "-q", "claim.zip", "-d", "claim"], cwd=tmp_path, check=True)
    genesis = varied.kept.ledger.name.partition("#")[2]
    trust = Trust.build(programme=varied.kept.ledger.programme.subject, genesis=genesis, accreditors={})
    write_trust(tmp_path / "trust.json", trust)
    manifest = json.loads((tmp_path / "claim" / "manifest.json").read_bytes())
    kinds = [one["kind"] for one in manifest["entries"]]
    assert {"Programme", "Party", "Accreditation", "Methodology", "Claim", "Attestation"} <= set(kinds)
    for one in manifest["entries"][-3:]:
        proof, entry = tmp_path / "claim" / one["proof"], tmp_path / "claim" / one["file"]
        done = run("gigaton-verify", "receipt", proof, "--entry", entry, "--trust", tmp_path / "trust.json")
        assert (done.returncode, done.stderr) == (0, "")


def test_a_bundle_is_the_same_bytes_each_time(varied: Varied) -> None:
    claim = varied.kept.state.all(records.ClaimRecord)[5]
    with varied.client() as client:
        answers = [client.get(address("claims", claim.id) + "/bundle") for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["Content-Disposition"] == f'attachment; filename="claim-{claim.index}.zip"'
    with zipfile.ZipFile(io.BytesIO(answers[0].content)) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_an_entry_that_came_later_leaves_what_was_proven_as_it_was(tmp_path: Path) -> None:
    """The bundle is of the checkpoint at which it was begun, also when the log grows while it is sent."""
    with (kept := Kept(tmp_path / "log")).ledger as ledger:
        claim = kept.state.all(records.ClaimRecord)[0].id
        begun = acts.bundle(ledger, claim, may_read=NOTHING)
        before = b"".join(begun.stream())
        for number in range(60):  # past the end of a tile
            submit(ledger, kept.scene.world.claim(counted_by=(f"meter:later-{number}",)))
        assert b"".join(begun.stream()) == before
        assert unzipped(before)["checkpoint"] != made(ledger, claim)["checkpoint"]


@pytest.fixture
def three(tmp_path: Path) -> tuple[Ledger, str, list[bytes]]:
    """A claim with three pieces of evidence; gives the claim's id and their bytes."""
    world = World()
    ledger = found(tmp_path / "log", world)
    pieces = [b"readings", b"photo" * 4_000_000, b"contract"]
    (first,) = world.claim_subject().evidence
    evidence = tuple(
        type(first)(
            digest=sha256(piece).hexdigest(),
            size=len(piece),
            title=f"Piece {at}",
            **{name: getattr(first, name) for name in ("salted", "media_type", "role", "collected_by", "collected_at")},
            derived_from=(),
        )
        for at, piece in enumerate(pieces)
    )
    recorded = submit(ledger, world.claim(evidence=evidence))
    with ledger.reading() as connection:
        (claim,) = queries.find(connection, records.ClaimRecord, index=recorded.index)
    return ledger, claim.id, pieces


def states(files: dict[str, bytes]) -> dict[str, str]:
    return {one["digest"]: one["state"] for one in json.loads(files["manifest.json"])["evidence"]}


def test_evidence_is_inside_or_the_manifest_says_why_not(three: tuple[Ledger, str, list[bytes]]) -> None:
    ledger, claim, pieces = three
    digests = [sha256(piece).hexdigest() for piece in pieces]
    with ledger:
        assert set(states(made(ledger, claim)).values()) == {"missing"}
        for piece in pieces:
            ledger.evidence.put(piece)
        files = made(ledger, claim)
        assert states(files) == dict.fromkeys(digests, "included")
        for digest, piece in zip(digests, pieces, strict=True):
            assert files[f"evidence/{digest}"] == piece
        # One that this caller may not see is not even looked for: bytes that are there and that are not look alike.
        (ledger.directory / "evidence" / digests[2]).unlink()
        (ledger.directory / "evidence" / digests[1]).write_bytes(b"other bytes")
        some = made(ledger, claim, lambda digest: digest != digests[2])
        assert states(some) == dict(zip(digests, ("included", "damaged", "withheld"), strict=True))
        none = made(ledger, claim, NOTHING)
        assert states(none) == dict.fromkeys(digests, "withheld")
        assert [name for name in none if name.startswith("evidence/")] == []
        reasons = [one["reason"] for one in json.loads(some["manifest.json"])["evidence"]]
        assert sum(reason is None for reason in reasons) == 1


def test_evidence_that_vanishes_on_the_way_leaves_no_whole_zip(three: tuple[Ledger, str, list[bytes]]) -> None:
    ledger, claim, pieces = three
    with ledger:
        for piece in pieces:
            ledger.evidence.put(piece)
        begun = acts.bundle(ledger, claim, may_read=EVERYTHING)
        (ledger.directory / "evidence" / sha256(pieces[0]).hexdigest()).unlink()
        sent: list[bytes] = []
        with pytest.raises(Unavailable) as caught:
            sent.extend(begun.stream())
        assert (caught.value.code, bool(sent)) == ("evidence_damaged", True)
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(io.BytesIO(b"".join(sent)))


def test_what_the_claimant_laid_open_is_public_and_what_others_say_is_not(
    three: tuple[Ledger, str, list[bytes]],
) -> None:
    ledger, claim, pieces = three
    digests = [sha256(piece).hexdigest() for piece in pieces]
    claimant, other = World().party_id("carrier"), World().party_id("plant")
    with ledger:
        rows = [(claimant, digests[0], True), (claimant, digests[1], False), (other, digests[2], True)]
        with ledger.engine.begin() as connection:
            for owner, digest, public in rows:
                values = {"claim": claim, "digest": digest, "owner": owner, "size": 1, "public": public, "stored_ms": 0}
                connection.execute(EVIDENCE.insert().values(**values))
        readable = {one for one in digests if may_read(ledger, party=None, claim=claim, digest=one)}
        assert readable == {digests[0]}


def test_a_bundle_is_sent_in_flat_memory(three: tuple[Ledger, str, list[bytes]], tmp_path: Path) -> None:
    """Twenty megabytes of evidence, and never more than a few parts of it at hand."""
    ledger, claim, pieces = three
    with ledger:
        for piece in pieces:
            ledger.evidence.put(piece)
        begun = acts.bundle(ledger, claim, may_read=EVERYTHING)
        tracemalloc.start()
        try:
            longest = max(len(part) for part in begun.stream())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert longest < 2 * acts.CHUNK_BYTES
    assert peak < 16 * acts.CHUNK_BYTES
