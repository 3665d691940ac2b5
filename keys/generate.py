"""Making keys: Ed25519 for statements and the log, ECDSA P-256 with its certificate for the seal of PDFs.

A key is only ever made because somebody asked for it; nothing calls this to fill a gap.

Source: DESIGN 4.5, 9; THREATS X12.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.keyfile import StoredKey
from ledger.domain.statements.members import Purpose

SEAL_DAYS = 3_660
_NAME_CHARACTERS_MAX = 64


def new_key(*, name: str, owner: str, purposes: tuple[Purpose, ...]) -> StoredKey:
    """A fresh Ed25519 key of a party."""
    return StoredKey(name, owner, purposes, "ed25519", _pem(Ed25519PrivateKey.generate()))


def new_seal(*, name: str, common_name: str, days: int = SEAL_DAYS) -> tuple[StoredKey, str]:
    """A fresh P-256 key and its self-signed certificate (PEM), which a trust file pins."""
    key = generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_NAME_CHARACTERS_MAX])])
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    # RFC 9336: document signing.
    document_signing = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([document_signing, ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    return StoredKey(name, "", (), "p256", _pem(key)), certificate.public_bytes(Encoding.PEM).decode("ascii")


def _pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
