"""Making keys: Ed25519 for statements and the log, ECDSA P-256 with its certificate for the seal of PDFs.

A key is only ever made because somebody asked for it; nothing calls this to fill a gap.

Source: DESIGN 4.5, 9; THREATS X12.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keys.keyfile import StoredKey
from ledger.domain.statements.members import Purpose

SEAL_DAYS = 3_660
_NAME_BYTES_MAX = 64
# RFC 9336: document signing. The second one is what NSS asks of a certificate that signs documents.
_USES = (x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36"), ExtendedKeyUsageOID.EMAIL_PROTECTION)


class IssuedSeal(NamedTuple):
    """A seal: its key, the certificate that a trust file pins, and the authority that a PDF viewer trusts (PEM)."""

    stored: StoredKey
    certificate: str
    authority: str


def new_key(*, name: str, owner: str, purposes: tuple[Purpose, ...]) -> StoredKey:
    """A fresh Ed25519 key of a party."""
    return StoredKey(name, owner, purposes, "ed25519", _pem(Ed25519PrivateKey.generate()))


def issue_seal(*, name: str, common_name: str, days: int = SEAL_DAYS) -> IssuedSeal:
    """A fresh P-256 key, certified by an authority that exists for this one certificate.

    PDF viewers trust no signer that vouches for itself. The authority's key
    signs once and is forgotten: there is nothing left to guard, and nothing
    else can ever come from an authority that somebody's viewer trusts.
    Source: docs/adr/0007.
    """
    key, authority_key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    subject = x509.Name([_common(common_name)])
    # One name more than its seal: where the two names are equal, a viewer takes the seal for self-signed.
    issuer = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Seal authority"), _common(common_name)])
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    validity = (start, start + timedelta(days=days))
    authority = (
        _begin(issuer, issuer, authority_key.public_key(), validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certifies=True), critical=True)
        .sign(authority_key, SHA256())
    )
    certificate = (
        _begin(subject, issuer, key.public_key(), validity)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certifies=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(_USES), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, SHA256())
    )
    return IssuedSeal(
        stored=StoredKey(name, "", (), "p256", _pem(key)),
        certificate=certificate.public_bytes(Encoding.PEM).decode("ascii"),
        authority=authority.public_bytes(Encoding.PEM).decode("ascii"),
    )


def _common(name: str) -> x509.NameAttribute[str]:
    """As much of a name as a certificate holds, cut between two characters."""
    return x509.NameAttribute(NameOID.COMMON_NAME, name.encode()[:_NAME_BYTES_MAX].decode(errors="ignore"))


def _begin(
    subject: x509.Name, issuer: x509.Name, key: EllipticCurvePublicKey, validity: tuple[datetime, datetime]
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, certifies: bool) -> x509.KeyUsage:
    """An authority certifies and does nothing else; a seal signs documents and does nothing else."""
    return x509.KeyUsage(
        digital_signature=not certifies,
        content_commitment=not certifies,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certifies,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
