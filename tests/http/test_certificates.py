"""A certificate's sealed file over HTTP: made once, the same for ever, and accepted by the verifier.

Covers THREATS H05, P08 (the file that is served is the one that is checked).
"""

from __future__ import annotations

import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate

from keys.trust import Trust
from ledger.errors import Refused, Unavailable
from ledger.service.certificates import FOLDER, certificate_file, keep_file
from ledger.service.certify import Sealing
from ledger.store.export import export_log
from tests.api.small import answer
from tests.http.conftest import Varied
from tests.http.test_statements import require_problem
from tests.http.varied import Kept
from tests.world import START_MS, public
from verifier.certificate import verify_certificate


def trust_of(varied: Varied) -> Trust:
    world, ledger = varied.kept.scene.world, varied.kept.ledger
    return Trust.build(
        programme=ledger.programme.subject,
        genesis=ledger.name.partition("#")[2],
        accreditors={world.party_id("accreditor"): (public("accreditor:accreditor"),)},
        seal=(varied.seal.certificate,),
    )


def test_a_file_is_made_once_and_stays_the_same(varied: Varied) -> None:
    """Asked for by eight at once before there was one; the seal's randomness would make eight files differ."""
    path = "/v1/certificates/TEST-3.pdf"

    def get(_: int) -> bytes:
        with varied.client() as client:
            return client.get(path).content

    with ThreadPoolExecutor(8) as pool:
        files = set(pool.map(get, range(8)))
    (raw,) = files
    assert (varied.served.directory / FOLDER / "TEST-3.pdf").read_bytes() == raw
    assert sorted(path.name for path in (varied.served.directory / FOLDER).iterdir()) == ["TEST-3.pdf"]
    with varied.client() as client:
        again = client.get(path)
        held = client.get(path, headers={"If-None-Match": again.headers["ETag"]})
    assert (again.content, held.status_code) == (raw, 304)
    assert again.headers["Content-Type"] == "application/pdf"
    assert again.headers["Content-Disposition"] == 'attachment; filename="TEST-3.pdf"'
    assert "immutable" in again.headers["Cache-Control"]


def test_the_file_is_what_the_verifier_accepts(varied: Varied) -> None:
    with varied.client() as client:
        raw = client.get("/v1/certificates/TEST-3.pdf").content
    report = verify_certificate(raw, trust=trust_of(varied), now_ms=START_MS)
    assert (report.exit_code, report.number) == (0, "TEST-3")
    with pikepdf.open(io.BytesIO(raw)) as opened:
        assert opened.attachments["certificate.jws"].get_file().read_bytes().count(b".") == 2


def test_the_status_is_what_the_verifier_finds_in_the_log(varied: Varied, tmp_path: Path) -> None:
    with varied.kept.ledger.reading() as connection:
        export_log(connection, tmp_path)
    for number, status, exit_code in (("TEST-1", "revoked", 5), ("TEST-3", "current", 0), ("TEST-4", "stale", 5)):
        with varied.client() as client:
            raw = client.get(f"/v1/certificates/{number}.pdf").content
            assert client.get(f"/v1/certificates/{number}").json()["status"] == status
        report = verify_certificate(raw, trust=trust_of(varied), now_ms=START_MS, log=tmp_path)
        said = {step.name: step.result for step in report.steps}
        assert (report.exit_code, said["status"]) == (exit_code, "ok" if status == "current" else "no longer")


def test_a_file_that_is_there_is_served_and_none_is_made(varied: Varied, tmp_path: Path) -> None:
    with (kept := Kept(tmp_path / "log")).ledger as ledger:
        with pytest.raises(Refused) as caught:
            certificate_file(ledger, "TEST-2", sealing=None)
        assert caught.value.code == "no_certificate_file"
        for number in ("TEST-9", "../ledger.db", "TEST-2/../TEST-2", "test-2", "TEST-2.pdf", "TEST-2\x00"):
            with pytest.raises(Refused) as caught:
                certificate_file(ledger, number, sealing=None)
            assert caught.value.code == "unknown_id"
        (ledger.directory / FOLDER).mkdir()
        (ledger.directory / FOLDER / "TEST-2.pdf").write_bytes(b"as it was kept")
        assert certificate_file(kept.ledger, "TEST-2", sealing=None) == b"as it was kept"


@pytest.mark.parametrize("number", ["TEST-9", "..%2f..%2fledger.db", "%2e%2e", "TEST-2%00", "test-2", "TEST-2%0d%0aX"])
def test_no_other_name_is_a_file(varied: Varied, number: str) -> None:
    with varied.client() as client:
        answer = client.get(f"/v1/certificates/{number}.pdf")
    assert answer.json()["code"] in {"unknown_id", "no_route"}
    assert answer.status_code == 404
    assert "Content-Disposition" not in answer.headers


def test_a_name_that_is_taken_is_never_given_to_other_bytes(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "X-1.pdf"
    assert keep_file(path, b"first") == b"first"
    assert keep_file(path, b"second") == b"first"
    assert [one.name for one in path.parent.iterdir()] == ["X-1.pdf"]


def test_what_cannot_be_kept_is_not_handed_out(varied: Varied, tmp_path: Path) -> None:
    """The next one asked would get another file of the same number."""
    key = load_pem_private_key(varied.seal.stored.pkcs8.encode(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    sealing = Sealing(key, load_pem_x509_certificate(varied.seal.certificate.encode()))
    with Kept(tmp_path / "log").ledger as ledger:
        (ledger.directory / FOLDER).write_bytes(b"no folder")
        with pytest.raises(Unavailable) as caught:
            certificate_file(ledger, "TEST-3", sealing=sealing)
    assert caught.value.code == "file_unusable"


def test_without_the_seal_a_server_says_so(varied: Varied, tmp_path: Path) -> None:
    """`gigaton certify` and the server keep files in the same place: what the first made, the second serves."""
    from tests.http.conftest import keep_log_key, serving

    directory = tmp_path / "log"
    kept = Kept(directory)
    kept.ledger.close()
    keep_log_key(directory)
    with serving(directory, kept.scene.world) as served, served.client() as client:
        require_problem(client.get("/v1/certificates/TEST-3.pdf"), status=404, code="no_certificate_file")
        assert client.get("/v1/certificates/TEST-3").json()["status"] == "current"
        shutil.copytree(varied.served.directory / FOLDER, directory / FOLDER, dirs_exist_ok=True)
        (directory / FOLDER / "TEST-3.pdf").write_bytes(b"%PDF kept")
        assert client.get("/v1/certificates/TEST-3.pdf").content == b"%PDF kept"


def test_the_command_shows_what_the_server_answers(varied: Varied) -> None:
    for number in ("TEST-1", "TEST-4"):
        code, said = answer("gigaton", "show", "certificates", number, "--data", varied.served.directory)
        with varied.client() as client:
            assert (code, said) == (0, client.get(f"/v1/certificates/{number}").json())
