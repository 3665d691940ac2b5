"""A PDF tool that is not ours calls the seal valid, whole, and trusted where the authority is imported.

The judges are poppler's `pdfsig` and a certificate store made by NSS's
`certutil`; neither knows anything of this project. CERTIFICATE 3, THREATS P04, P10.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from keys.generate import issue_seal
from tests.certificates.conftest import Authority, Issued, authority

VALID = "Signature is Valid."
TRUSTED = "Certificate is Trusted."
UNKNOWN = "Certificate issuer is unknown."
FOR_DOCUMENTS = ",C,"  # may vouch for signers of mail and documents, never for web sites


def certutil(store: Path, *arguments: str) -> None:
    subprocess.run(["certutil", *arguments, "-d", f"sql:{store}"], check=True, capture_output=True, timeout=60)


def store_of(folder: Path, *authorities: str) -> Path:
    """A fresh certificate store that trusts these authorities (PEM) and nobody else."""
    store = folder / "store"
    store.mkdir()
    certutil(store, "-N", "--empty-password")
    for number, pem in enumerate(authorities):
        path = folder / f"authority-{number}.pem"
        path.write_text(pem, encoding="ascii")
        certutil(store, "-A", "-n", f"authority {number}", "-t", FOR_DOCUMENTS, "-i", str(path))
    return store


def judge(pdf: bytes, store: Path) -> str:
    """All that pdfsig says of a file."""
    path = store.parent / "certificate.pdf"
    path.write_bytes(pdf)
    command = ["pdfsig", "-nssdir", f"sql:{store}", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def found(said: str, label: str) -> list[str]:
    return re.findall(rf"- {label}: (.*)", said)


def verdicts(pdf: bytes, store: Path) -> tuple[list[str], list[str]]:
    """What pdfsig says of each signature and of each signer."""
    said = judge(pdf, store)
    return found(said, "Signature Validation"), found(said, "Certificate Validation")


def test_a_seal_is_trusted_where_its_authority_is_imported(issued: Issued, sealer: Authority, tmp_path: Path) -> None:
    said = judge(issued.sealed, store_of(tmp_path, sealer.issuer_pem))
    assert found(said, "Signature Validation") == [VALID]
    assert found(said, "Certificate Validation") == [TRUSTED]
    assert said.count("- Total document signed") == 1
    assert found(said, "Signing Hash Algorithm") == ["SHA-256"]
    assert found(said, "Signature Type") == ["ETSI.CAdES.detached"]


def test_a_seal_is_valid_and_its_issuer_unknown_where_nothing_is_imported(issued: Issued, tmp_path: Path) -> None:
    assert verdicts(issued.sealed, store_of(tmp_path)) == ([VALID], [UNKNOWN])


def test_another_authority_of_the_same_name_vouches_for_nothing(issued: Issued, tmp_path: Path) -> None:
    """P10: the names are equal to the letter, the keys are not."""
    store = store_of(tmp_path, authority().issuer_pem)
    signatures, signers = verdicts(issued.sealed, store)
    assert signatures == [VALID]
    assert TRUSTED not in signers


@pytest.mark.parametrize("place", [1_000, 100_000, -40])
def test_a_changed_file_is_called_invalid(issued: Issued, sealer: Authority, tmp_path: Path, place: int) -> None:
    changed = bytearray(issued.sealed)
    changed[place] ^= 0x01
    assert VALID not in verdicts(bytes(changed), store_of(tmp_path, sealer.issuer_pem))[0]


def test_bytes_after_the_end_are_not_called_signed(issued: Issued, sealer: Authority, tmp_path: Path) -> None:
    """P04: pdfsig goes on calling the signature valid; it only no longer says that it covers the file."""
    said = judge(issued.sealed + b"more\n", store_of(tmp_path, sealer.issuer_pem))
    assert "Total document signed" not in said


def test_the_authority_signed_the_seal_and_can_sign_nothing_below_it() -> None:
    made = issue_seal(name="seal", common_name="Example Ltd certificate seal")
    seal, issuer = (x509.load_pem_x509_certificate(pem.encode()) for pem in (made.certificate, made.authority))
    seal.verify_directly_issued_by(issuer)
    issuer.verify_directly_issued_by(issuer)
    with pytest.raises((ValueError, TypeError, InvalidSignature)):
        issuer.verify_directly_issued_by(seal)
    basic = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (basic.ca, basic.path_length) == (True, 0)
    assert not seal.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not seal.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert seal.issuer == issuer.subject != seal.subject
    assert seal.public_key() != issuer.public_key()


@pytest.mark.parametrize(("name", "kept"), [("a" * 65, "a" * 64), ("\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 22, 21)])
def test_a_long_name_is_cut_to_what_a_certificate_holds(name: str, kept: str | int) -> None:
    """64 bytes, and never half a character."""
    made = issue_seal(name="seal", common_name=name)
    (common,) = x509.load_pem_x509_certificate(made.certificate.encode()).subject
    assert common.value == (kept if isinstance(kept, str) else name[:kept])
