"""The audit says yes to a true log and names the bad entry of every other.

Covers THREATS L01 to L05, L09, L12, L16, L17, L20, R12, R16, R24, R29, R30, T1 to T3, C25.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from keys.trust import Trust, write_trust
from ledger.core.entry import decode_entry, encode_entry
from ledger.core.hashing import leaf_hash
from ledger.errors import LedgerError, Unreadable
from tests.dialogue import answering, insisting, raising
from tests.logwriter import LogWriter, cosign, publish_files, small_log, write
from tests.world import World, reference_to
from verifier.bundle import Bundle
from verifier.replay import replay
from verifier.report import Report, conclude, failed

SAMPLES = 2_000


def run_audit(folder: Path, trust: Trust, **options: Any) -> Report:
    """One audit in this process, on one core."""
    bundle = Bundle(folder)
    try:
        result = replay(bundle, trust, jobs=1)
        return conclude(result, trust, pinned=None, keeps_pins=False, beyond=0, **options)
    except LedgerError as error:
        return failed(error)
    finally:
        bundle.close()


def command(*arguments: object) -> tuple[int, dict[str, Any]]:
    """The real command in a second process; its exit code and JSON."""
    words = [sys.executable, "-m", "verifier.cli", *map(str, arguments), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def log() -> LogWriter:
    return small_log()


@pytest.fixture
def published(log: LogWriter, tmp_path: Path) -> tuple[Path, Path]:
    """Folder and trust file of the small log."""
    write_trust(tmp_path / "trust.json", log.trust())
    return log.publish(tmp_path / "export"), tmp_path / "trust.json"


def test_a_true_log_is_proven(published: tuple[Path, Path], log: LogWriter) -> None:
    code, report = command("audit", published[0], "--trust", published[1])
    assert (code, report["verdict"], report["entries"]) == (0, "proven", len(log.entries))
    assert report["recognised"]["total_kg"] == "499000.000"
    assert report["other"]["total_kg"] == "0.000"
    assert report["claims"] == {"submitted": 1, "verified": 1}


def test_a_zip_is_read_like_a_folder(published: tuple[Path, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        for path in sorted(published[0].rglob("*")):
            archive.write(path, path.relative_to(published[0]).as_posix())
    assert command("audit", tmp_path / "export.zip", "--trust", published[1]) == command(
        "audit", published[0], "--trust", published[1]
    )


def test_a_bent_zip_is_unreadable_and_never_a_traceback(published: tuple[Path, Path], tmp_path: Path) -> None:
    """Every byte of what a zip says of its files, bent in turn; a name that is no UTF-8 among them."""
    plain = tmp_path / "plain.zip"
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("checkpoint", published[0].joinpath("checkpoint").read_bytes())
        archive.writestr("tile/\u00e9", b"a name of more than ASCII")
    raw = plain.read_bytes()
    directory = raw.index(b"PK\x01\x02")
    bent = tmp_path / "bent.zip"
    outcomes = Counter[str]()
    for at in range(directory, len(raw)):
        bent.write_bytes(raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :])
        try:
            Bundle(bent).checkpoint()
            outcomes["read"] += 1
        except Unreadable as error:
            outcomes[error.code] += 1
    assert set(outcomes) == {"read", "unreadable_bundle", "missing_file"}
    bent.write_bytes(raw.replace("\u00e9".encode(), b"\xff\xfe"))
    assert command("audit", bent, "--trust", published[1])[0] == 2


def test_every_byte_matters(log: LogWriter, tmp_path: Path) -> None:
    """Each byte of each file of a small bundle, changed in turn: never proven, never a traceback."""
    folder = log.publish(tmp_path / "export")
    trust = log.trust()
    checked = 0
    rng = random.Random(7)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        places = range(len(raw)) if len(raw) < SAMPLES else sorted(rng.sample(range(len(raw)), SAMPLES))
        for at in places:
            path.write_bytes(raw[:at] + bytes([raw[at] ^ (1 << rng.randrange(8))]) + raw[at + 1 :])
            assert run_audit(folder, trust).exit_code in (1, 2), f"{path.name} byte {at}"
            checked += 1
        path.write_bytes(raw)
    assert checked >= SAMPLES
    assert run_audit(folder, trust).exit_code == 0


@pytest.mark.parametrize("victim", [0, 5, 13])
def test_a_changed_entry_is_named(log: LogWriter, tmp_path: Path, victim: int) -> None:
    """L08: the report names the entry whose signature no longer holds."""
    entries = list(log.entries)
    entries[victim] = entries[victim][:-40] + bytes([entries[victim][-40] ^ 1]) + entries[victim][-39:]
    publish_files(tmp_path / "x", entries=entries, leaves=log.leaves, checkpoint=log.checkpoint())
    report = run_audit(tmp_path / "x", log.trust())
    assert (report.exit_code, report.findings[0].index) == (1, victim)


def rewritten(log: LogWriter, entries: list[bytes], folder: Path, *, rechain: bool) -> Report:
    """A log of other entries, signed by its true key; with `rechain` the hash chain is made right again."""
    leaves: list[bytes] = []
    made: list[bytes] = []
    for index, raw in enumerate(entries):
        entry = decode_entry(raw)
        if rechain:
            previous = leaves[-1] if leaves else bytes(32)
            made.append(encode_entry(type(entry)(index, previous, entry.recorded_at_ms, entry.statement)))
        else:
            made.append(raw)
        leaves.append(leaf_hash(made[-1]))
    copy = LogWriter(log.world)
    copy.entries, copy.leaves = made, leaves
    return run_audit(copy.publish(folder), log.trust())


@pytest.mark.parametrize(
    ("change", "index"),
    [
        (lambda entries: entries[:5] + entries[6:], 5),  # L02 removed
        (lambda entries: [*entries[:5], entries[6], entries[5], *entries[7:]], 5),  # L03 swapped
        (lambda entries: entries[:6] + entries[5:], 6),  # L09 duplicated
    ],
    ids=["removed", "swapped", "duplicated"],
)
def test_a_rewritten_history_is_refuted(log: LogWriter, tmp_path: Path, change: Any, index: int) -> None:
    report = rewritten(log, change(list(log.entries)), tmp_path / "x", rechain=False)
    assert (report.exit_code, report.findings[0].index) == (1, index)


def test_a_rewritten_and_rechained_history_breaks_its_references(log: LogWriter, tmp_path: Path) -> None:
    """T1: even with chain, tree and signature made right, attestations no longer name their claim's entry."""
    entries = log.entries[:3] + log.entries[4:]
    assert rewritten(log, entries, tmp_path / "x", rechain=True).exit_code == 1


def test_tree_without_chain_is_refuted(log: LogWriter, tmp_path: Path) -> None:
    """R29, L05: a middle entry that the tree holds, and the chain does not, and the other way round."""
    entries, leaves = list(log.entries), list(log.leaves)
    entry = decode_entry(entries[6])
    entries[6] = encode_entry(type(entry)(6, bytes(32), entry.recorded_at_ms, entry.statement))
    leaves[6] = leaf_hash(entries[6])
    copy = LogWriter(log.world)
    copy.entries, copy.leaves = entries, leaves
    report = run_audit(copy.publish(tmp_path / "chain"), log.trust())
    assert (report.exit_code, report.findings[0].code, report.findings[0].index) == (1, "broken_chain", 6)
    leaves = list(log.leaves)
    leaves[6] = bytes(32)
    copy.entries, copy.leaves = list(log.entries), leaves
    report = run_audit(copy.publish(tmp_path / "tree"), log.trust())
    assert (report.exit_code, report.findings[0].code) == (1, "tile_differs")


def test_an_entry_that_the_rules_refuse_is_named(tmp_path: Path) -> None:
    """T8: a dishonest operator records an overlapping claim; chain, tree and signatures are all right."""
    log = small_log()
    log.add(log.world.claim("carrier"), force=True)
    report = run_audit(log.publish(tmp_path / "x"), log.trust())
    assert (report.exit_code, report.findings[0].code, report.findings[0].index) == (1, "overlap", len(log.entries) - 1)


def test_an_opinion_against_an_open_corrective_action_is_named(tmp_path: Path) -> None:
    """T11: the auditor knows what was found and answered, from the log alone."""
    log = small_log()
    claim = reference_to(log.add(log.world.claim(counted_by=("meter:new",))))
    finding = reference_to(log.add(raising(log.world, claim)))
    log.add_all([answering(log.world, finding), insisting(log.world, finding, 2)])
    assert run_audit(log.publish(tmp_path / "good"), log.trust()).exit_code == 0
    log.add(log.world.attest(claim, "499000.000"), force=True)
    report = run_audit(log.publish(tmp_path / "bad"), log.trust())
    found = (report.exit_code, report.findings[0].code, report.findings[0].index)
    assert found == (1, "open_findings", len(log.entries) - 1)


def test_rollback_and_fork_against_pins(log: LogWriter, tmp_path: Path) -> None:
    """L01, L04, T2: the same auditor a second time."""
    trust, pins = tmp_path / "trust.json", tmp_path / "pins.json"
    write_trust(trust, log.trust())
    code, report = command("audit", log.publish(tmp_path / "a"), "--trust", trust, "--pins", pins)
    assert (code, report["pins"]) == (0, "new, no prior state")
    shorter = LogWriter(log.world)
    shorter.entries, shorter.leaves = log.entries[:-1], log.leaves[:-1]
    code, report = command("audit", shorter.publish(tmp_path / "b"), "--trust", trust, "--pins", pins)
    assert (code, report["findings"][0]["code"]) == (4, "rolled_back")
    forked = LogWriter(log.world)
    for entry in log.entries[:-2]:
        forked.add(decode_entry(entry).statement)
    forked.add(forked.world.claim("plant", start="2024-06-01", end="2024-07-01"))
    forked.add(forked.world.claim("plant", start="2024-07-01", end="2024-08-01"))
    code, report = command("audit", forked.publish(tmp_path / "c"), "--trust", trust, "--pins", pins)
    assert (code, report["findings"][0]["code"]) == (4, "forked")
    code, report = command("compare", tmp_path / "a", tmp_path / "c", "--trust", trust)
    assert (code, report["relation"]) == (4, "fork")
    code, report = command("compare", tmp_path / "a", tmp_path / "b", "--trust", trust)
    assert (code, report["relation"]) == (0, "extends")


def test_without_recognised_accreditor_it_is_not_enough(log: LogWriter, tmp_path: Path) -> None:
    """DESIGN 4.4: a registrar could have invented accreditor and verifiers; totals are given apart."""
    report = run_audit(log.publish(tmp_path / "x"), log.trust(accreditors=False))
    assert (report.exit_code, report.findings[0].code) == (3, "no_recognised_accreditor")
    assert report.other is not None
    assert report.recognised is not None
    assert (report.recognised.total_kg, report.other.total_kg) == ("0.000", "499000.000")


def test_a_log_without_attestations_needs_no_accreditor(tmp_path: Path) -> None:
    log = LogWriter(World())
    log.add_all(log.world.founding())
    assert run_audit(log.publish(tmp_path / "x"), log.trust(accreditors=False)).exit_code == 0


def test_witnesses_are_counted_once_and_only_if_known(log: LogWriter, tmp_path: Path) -> None:
    """L17, R16."""
    folder = log.publish(tmp_path / "x")
    raw, first = cosign(log.checkpoint(), witness="w1", timestamp_s=1_790_000_100)
    raw, second = cosign(raw, witness="w2", timestamp_s=1_790_000_101)
    raw, _ = cosign(raw, witness="stranger", timestamp_s=1_790_000_102)
    write(folder / "checkpoint", raw)
    assert run_audit(folder, log.trust(witnesses=(first, second), quorum=2)).exit_code == 0
    below = run_audit(folder, log.trust(witnesses=(first,), quorum=2))
    assert (below.exit_code, below.findings[0].code) == (3, "below_quorum")
    damaged, _, tail = raw.rpartition(b"witness.example/w2 ")
    write(folder / "checkpoint", damaged + b"witness.example/w2 " + tail[:40] + bytes([tail[40] ^ 1]) + tail[41:])
    report = run_audit(folder, log.trust(witnesses=(first, second), quorum=2))
    assert report.exit_code == 1, "a known witness's line that fails refuses the whole note"


def test_another_logs_trust_file_refutes(log: LogWriter, tmp_path: Path) -> None:
    """R12: trust comes from the auditor's own file."""
    folder = log.publish(tmp_path / "x")
    other = small_log(findings_days=61)
    report = run_audit(folder, other.trust())
    assert (report.exit_code, report.findings[0].code) == (1, "other_genesis")
    code, report_json = command("audit", folder)
    assert (code, report_json["findings"][0]["code"]) == (3, "no_trust_file")


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/000.p/15", "tile/entries/000.p/15"])
def test_a_missing_file_is_unreadable(log: LogWriter, tmp_path: Path, name: str) -> None:
    folder = log.publish(tmp_path / "x")
    (folder / name).unlink()
    assert run_audit(folder, log.trust()).exit_code == 2


def test_a_full_tile_stands_in_for_a_partial_one(tmp_path: Path) -> None:
    """TLOG-SPEC 6: partial files may be gone once the full ones exist; a wider bundle is cut."""
    log = small_log()
    folder = log.publish(tmp_path / "x")
    shutil.move(folder / "tile/entries/000.p/15", folder / "tile/entries/000")
    shutil.move(folder / "tile/0/000.p/15", folder / "tile/0/000")
    assert run_audit(folder, log.trust()).exit_code == 0


def test_a_receipt_proves_its_entry_and_no_other(log: LogWriter, published: tuple[Path, Path], tmp_path: Path) -> None:
    """R11: mix and match is refused."""
    from ledger.core.prove import prove_inclusion
    from ledger.core.receipt import Receipt
    from ledger.core.tiles import TileReader

    bundle = Bundle(published[0])
    reader = TileReader(lambda tiles: [bundle.tile(tile) for tile in tiles], len(log.entries))
    for index in (3, 12):
        path = prove_inclusion(index=index, size=len(log.entries), reader=reader)
        proof = Receipt(index, tuple(path), log.checkpoint())
        (tmp_path / f"{index}.tlog-proof").write_bytes(proof.encode())
        (tmp_path / f"{index}.json").write_bytes(log.entries[index])
    for entry, proof_of, expected in ((3, 3, 0), (12, 12, 0), (3, 12, 1), (12, 3, 1)):
        code, _ = command(
            "receipt",
            tmp_path / f"{proof_of}.tlog-proof",
            "--entry",
            tmp_path / f"{entry}.json",
            "--trust",
            published[1],
        )
        assert code == expected
