"""What stands beside the log, on both databases: used assertions, evidence and drafts, under parallel writers.

Covers THREATS S17, T16, T18, H16.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.core.jws import Kid
from ledger.errors import LedgerError
from ledger.sequencer.clock import now_ms
from ledger.service import access, drafts, evidence
from ledger.service.ledger import Ledger
from ledger.store import beside
from ledger.store.evidence import STALE_AFTER_S, EvidenceStore
from tests.cast import key_of
from tests.ledgers import found
from tests.store.databases import Place
from tests.world import World

CLAIM = "urn:uuid:019a0000-0000-7000-8000-000000000001"
RAW = b"meter readings"
DIGEST = sha256(RAW).hexdigest()


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(LedgerError) as caught:
        act()
    return caught.value.code


def test_an_assertion_is_used_once_whoever_asks(database: Place) -> None:
    """Two processes' worth of connections, many threads each."""
    until = now_ms() + 60_000
    with database.found(World()) as one, Ledger.open(database.directory, database=database.url) as two:

        def use(at: int) -> bool:
            return access.use_once((one, two)[at % 2], party="a", jti=f"jti-{at // 8}", expires_ms=until)

        with ThreadPoolExecutor(8) as pool:
            found_new = list(pool.map(use, range(40)))
        assert [sum(found_new[at : at + 8]) for at in range(0, 40, 8)] == [1] * 5
        assert access.use_once(one, party="b", jti="jti-0", expires_ms=until)
        long_ago = now_ms() - 7_200_000
        assert access.use_once(one, party="a", jti="old", expires_ms=long_ago)
        assert access.use_once(one, party="a", jti="new", expires_ms=until)
    assert database.run("SELECT count(*) FROM used_assertion WHERE jti = 'a old'")[0][0] == 0
    assert database.run("SELECT count(*) FROM used_assertion")[0][0] == 7


def test_a_party_is_known_by_a_key_in_force(database: Place) -> None:
    world = World()
    with database.found(world) as ledger:
        known = access.party_of(ledger, world.kid("carrier", "carrier:claimant"))
        assert known is not None
        assert known.id == world.party_id("carrier")
        for kid in (
            world.kid("plant", "carrier:claimant"),
            world.kid("carrier", "nobody"),
            world.kid("operator", "root0"),
            world.kid("operator", "log"),
            Kid("x' OR '1'='1", bytes(key_of("carrier:claimant").verify_key)),
        ):
            assert access.party_of(ledger, kid) is None


def test_evidence_and_drafts_stand_on_both(database: Place) -> None:
    world = World()
    with database.found(world) as ledger:
        carrier, plant = world.party_id("carrier"), world.party_id("plant")
        stored = evidence.put(ledger, [RAW[:3], RAW[3:]], owner=carrier, claim=CLAIM, digest=DIGEST)
        assert (stored.new, stored.size) == (True, len(RAW))
        again = evidence.put(ledger, [RAW], owner=carrier, claim=CLAIM, digest=DIGEST, visibility="public")
        assert (again.new, again.visibility) == (False, "public")
        with evidence.get(ledger, party=carrier, claim=CLAIM, digest=DIGEST).file as file:
            assert file.read() == RAW
        assert code_of(lambda: evidence.get(ledger, party=plant, claim=CLAIM, digest=DIGEST)) == "no_evidence"
        identity = "0f8fad5b-d9cb-469f-a165-70867728950e"
        assert drafts.put(ledger, identity, b"\x00\xff", owner=carrier)
        assert not drafts.put(ledger, identity, b"\x00\xff\x01", owner=carrier)
        assert drafts.get(ledger, identity, owner=carrier) == b"\x00\xff\x01"
        assert [one.size for one in drafts.listed(ledger, owner=carrier)] == [3]
        assert drafts.listed(ledger, owner=plant) == []
        assert code_of(lambda: drafts.delete(ledger, identity, owner=plant)) == "no_draft"
        drafts.delete(ledger, identity, owner=carrier)
        assert drafts.listed(ledger, owner=carrier) == []


def test_a_quota_holds_under_parallel_uploads(database: Place) -> None:
    world = World()
    with database.found(world) as ledger:
        quota = evidence.Quota(files=3, size=40)

        def upload(number: int) -> str:
            raw = b"%010d" % number
            try:
                with evidence.receive(
                    ledger, owner="a", claim=CLAIM, digest=sha256(raw).hexdigest(), quota=quota
                ) as upload:
                    upload.write(raw)
                    return "kept" if upload.keep("private").new else "again"
            except LedgerError as error:
                return error.code

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(upload, range(6)))
        assert sorted(answers) == ["kept"] * 3 + ["quota_used_up"] * 3
        kept = [number for number, answer in enumerate(answers) if answer == "kept"]
        assert upload(kept[0]) == "again"
        with ledger.reading() as connection:
            assert beside.evidence_used(connection, "a") == beside.Used(3, 30)
            assert beside.evidence_used(connection, "b") == beside.Used(0, 0)
        assert len([path for path in (ledger.directory / "evidence").iterdir() if path.is_file()]) == 3


def test_bytes_count_against_a_quota(tmp_path: Path) -> None:
    with found(tmp_path / "log", World()) as ledger:
        quota = evidence.Quota(files=100, size=len(RAW))

        def keep(raw: bytes) -> evidence.Stored:
            digest = sha256(raw).hexdigest()
            with evidence.receive(ledger, owner="a", claim=CLAIM, digest=digest, quota=quota) as upload:
                upload.write(raw)
                return upload.keep("private")

        assert code_of(lambda: keep(RAW + b"!")) == "quota_used_up"
        assert keep(RAW).new
        assert code_of(lambda: keep(b"")) == "quota_used_up"


def test_a_disk_that_fails_is_told(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("no folder")
    store = EvidenceStore(tmp_path / "evidence")
    assert code_of(lambda: store.put(RAW)) == "storage_failed"
    assert code_of(lambda: store.open("0" * 64)) == "storage_failed"


def test_what_a_crash_left_is_swept_and_what_is_under_way_is_not(tmp_path: Path) -> None:
    store = EvidenceStore(tmp_path / "evidence")
    assert store.get(store.put(RAW)) == RAW
    assert store.get("0" * 64) is None
    incoming = tmp_path / "evidence" / ".incoming"
    assert list(incoming.iterdir()) == []
    (incoming / "old").write_bytes(b"x")
    (incoming / "young").write_bytes(b"x")
    long_ago = (incoming / "young").stat().st_mtime - STALE_AFTER_S - 60
    os.utime(incoming / "old", (long_ago, long_ago))
    with store.receiving() as upload:
        upload.write(b"not kept")
        assert len(list(incoming.iterdir())) == 2
    assert [path.name for path in incoming.iterdir()] == ["young"]
    assert sorted(path.name for path in (tmp_path / "evidence").iterdir()) == [".incoming", DIGEST]
