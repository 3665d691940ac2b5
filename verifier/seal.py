"""The seal of a certificate: one signature by the pinned key over the whole file, and no byte that could differ.

The signature is judged first, on the raw bytes, by a few lines of our own:
nothing that the pinned key did not seal ever reaches a PDF parser. The CMS
around it is built again from what it must be and compared byte for byte, so
that no unsigned byte is left in it.

Source: CERTIFICATE 7; RFC 5652; ETSI EN 319 142-1; THREATS group P.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256

from asn1crypto import algos, cms, pem, tsp, x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from ledger.errors import Unproven, Unreadable

FILE_BYTES_MAX = 16_000_000
HEAD, TAIL = b"%PDF-1.7\n", b"%%EOF\n"

_RANGE = re.compile(rb"/ByteRange \[0 ([1-9][0-9]{0,8}) ([1-9][0-9]{0,8}) ([1-9][0-9]{0,8})\]")
_HEX = b"0123456789ABCDEF"
_ATTRIBUTES = {"content_type", "message_digest", "signing_certificate_v2"}
_MAY_BE = {*_ATTRIBUTES, "cms_algorithm_protection", "signing_time"}


def require_sealed(pdf: bytes, *, pinned: Sequence[str]) -> None:
    """That these bytes are a PDF sealed as a whole by one of the pinned certificates (PEM).

    Raises: Unreadable `not_a_certificate`, `bad_seal_certificate`;
        Unproven `bad_seal`, `not_sealed`, `seal_not_pinned`.
    """
    if not 0 < len(pdf) <= FILE_BYTES_MAX or not pdf.startswith(HEAD):
        raise Unreadable("not_a_certificate", f"{len(pdf)} bytes, and not a PDF file as certificates are")
    if not pdf.endswith(TAIL):
        raise Unproven("bad_seal", "something follows the end of the sealed file")
    at = pdf.find(b"/ByteRange")
    ranges = list(_RANGE.finditer(pdf, at)) if at >= 0 else []
    if not ranges or pdf.count(b"/ByteRange", at) != len(ranges):
        raise Unproven("not_sealed", "the file carries no seal: it is no certificate, whatever it shows")
    if len(ranges) != 1:
        raise Unproven("bad_seal", f"the file carries {len(ranges)} signatures, a certificate carries one")
    if pdf.count(b"startxref") != 2:
        raise Unproven("bad_seal", "the file was changed after it was drawn and sealed, or was never sealed")
    first, second, rest = (int(group) for group in ranges[0].groups())
    gap = pdf[first:second]
    if first >= second or second + rest != len(pdf) or not _is_hex_string(gap):
        raise Unproven("bad_seal", "the seal does not cover the whole file")
    raw = bytes.fromhex(gap[1:-1].decode("ascii"))
    covered = sha256(memoryview(pdf)[:first])
    covered.update(memoryview(pdf)[second:])
    _require_signed(raw, digest=covered.digest(), pinned=pinned)


def _is_hex_string(gap: bytes) -> bool:
    """Whole bytes in upper-case hex between angle brackets: the one spelling of a seal."""
    inner = gap[1:-1]
    return gap[:1] == b"<" and gap[-1:] == b">" and len(gap) % 2 == 0 and not inner.translate(None, _HEX)


def _require_signed(raw: bytes, *, digest: bytes, pinned: Sequence[str]) -> None:
    certificates = [load_pinned(text) for text in pinned]
    # A seal names the digest of what it covers. Almost every changed file ends here, before its signature is read.
    if digest not in raw and any(one.dump() in raw for one in certificates):
        raise Unproven("bad_seal", "the file is not the one that was sealed")
    try:
        info = cms.ContentInfo.load(raw)
        signed = info["content"]
        signer = signed["signer_infos"][0]
        attributes = signer["signed_attrs"]
        by_name = {one["type"].native: one["values"] for one in attributes}
        known = set(by_name)
        held = [one.chosen.dump() for one in signed["certificates"]]
        message_digest = by_name["message_digest"].native if "message_digest" in known else []
        content_type = by_name["content_type"].native if "content_type" in known else []
        hashes = _certificate_hashes(by_name)
        signature = signer["signature"].native
        signed_bytes = attributes.untag().dump()
        size = len(info.dump())
        many = len(attributes)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise Unproven("bad_seal", f"the signature cannot be read: {error}"[:300]) from None
    found = [one for one in certificates if [one.dump()] == held]
    if not found:
        raise Unproven("seal_not_pinned", "the seal is by a certificate that the trust file does not pin")
    if any(raw[size:]):
        raise Unproven("bad_seal", "something hides behind the signature")
    if not _ATTRIBUTES <= known <= _MAY_BE or many != len(known):
        raise Unproven("bad_seal", "the signature states other attributes than a seal does")
    if message_digest != [digest] or content_type != ["data"] or hashes != [sha256(found[0].dump()).digest()]:
        raise Unproven("bad_seal", "the file is not the one that was sealed")
    if _rebuilt(found[0], signed_bytes, signature) != raw[:size]:
        raise Unproven("bad_seal", "the signature is not in its one spelling")
    _verify(found[0], message=signed_bytes, signature=signature)


def _certificate_hashes(by_name: dict[str, cms.SetOfAny]) -> list[bytes]:
    if "signing_certificate_v2" not in by_name:
        return []
    values = [tsp.SigningCertificateV2.load(value.dump()) for value in by_name["signing_certificate_v2"]]
    return [one["cert_hash"].native for value in values for one in value["certs"]]


def load_pinned(text: str) -> x509.Certificate:
    """The certificate of a trust file; it must hold a P-256 key.

    Raises: Unreadable `bad_seal_certificate`.
    """
    if text.count("-----BEGIN") != 1:
        raise Unreadable("bad_seal_certificate", "the trust file's seal is not one certificate, on its own, in PEM")
    try:
        certificate = load_pem_x509_certificate(text.encode("ascii"))
        key = certificate.public_key()
        loaded = x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    except (ValueError, TypeError) as error:
        raise Unreadable("bad_seal_certificate", f"the trust file's seal is no certificate: {error}"[:300]) from None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise Unreadable("bad_seal_certificate", "the trust file's seal is no P-256 certificate")
    return loaded


def _rebuilt(certificate: x509.Certificate, signed_bytes: bytes, signature: bytes) -> bytes:
    """The CMS that a seal by this certificate has, with these signed attributes and this signature."""
    sha = algos.DigestAlgorithm({"algorithm": "sha256"})
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                "issuer_and_serial_number",
                cms.IssuerAndSerialNumber({"issuer": certificate.issuer, "serial_number": certificate.serial_number}),
            ),
            "digest_algorithm": sha,
            "signed_attrs": cms.CMSAttributes.load(signed_bytes),
            "signature_algorithm": cms.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
            "signature": signature,
        }
    )
    signed = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [sha],
            "encap_content_info": {"content_type": "data"},
            "certificates": [certificate],
            "signer_infos": [signer],
        }
    )
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def _verify(certificate: x509.Certificate, *, message: bytes, signature: bytes) -> None:
    key = load_pem_x509_certificate(_pem(certificate)).public_key()
    assert isinstance(key, EllipticCurvePublicKey), "load_pinned has seen to that"
    try:
        key.verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        raise Unproven("bad_seal", "the signature does not verify under the pinned key") from None


def _pem(certificate: x509.Certificate) -> bytes:
    return bytes(pem.armor("CERTIFICATE", certificate.dump()))
