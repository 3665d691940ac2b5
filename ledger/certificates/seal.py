"""The seal: one PAdES signature over the whole file, certified against any change, and nothing after it.

pyHanko is held to a deterministic layout by overriding four of its private
names; its version is therefore pinned, and a test holds the layout.

Source: CERTIFICATE 0 and 3; ETSI EN 319 142-1; ISO 32000-2, 12.8.2.2.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import Certificate
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import InvisSigSettings, MDPPerm, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.signers.pdf_signer import _ensure_esic_ext
from pyhanko_certvalidator.registry import SimpleCertificateStore

FIELD = "Seal"
RESERVED_BYTES = 8_192


def seal(pdf: bytes, *, key: EllipticCurvePrivateKey, certificate: Certificate, at_ms: int) -> bytes:
    """The file with its seal. Everything but the signature's own bytes follows from the file and the moment.

    Units: `at_ms` milliseconds since 1970 (UTC), to the second in the seal.
    """
    moment = datetime.fromtimestamp(at_ms // 1000, tz=UTC)
    signer = SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)),
        signing_key=asn1_keys.PrivateKeyInfo.load(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
    )
    sealer = _Sealer(
        PdfSignatureMetadata(
            field_name=FIELD,
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
        ),
        signer=signer,
        new_field_spec=SigFieldSpec(
            FIELD, on_page=0, box=None, invis_sig_settings=InvisSigSettings(set_print_flag=True)
        ),
    )
    sealer.moment = moment
    out = BytesIO()
    sealer.sign_pdf(_Writer(BytesIO(pdf), strict=True), output=out, bytes_reserved=RESERVED_BYTES)
    return out.getvalue()


class _Sealer(PdfSigner):
    """Signs at a given moment, and keeps the file at PDF 1.7."""

    moment: datetime

    def register_extensions(self, pdf_out: Any, *, md_algorithm: str) -> None:
        # The default also registers ISO/TS 32002 for P-256 and lifts the file to PDF 2.0, which PDF/A-3 forbids.
        _ensure_esic_ext(pdf_out)

    def init_signing_session(self, *given: Any, **named: Any) -> Any:
        session = super().init_signing_session(*given, **named)
        session.system_time = self.moment
        return session


class _Writer(IncrementalPdfFileWriter):
    """Appends the seal without touching title and dates, under an identity that follows from the file."""

    def _update_meta(self) -> None:
        pass

    @classmethod
    def _handle_id(cls, prev: Any) -> Any:
        prev.stream.seek(0)
        first = generic.ByteStringObject(prev.trailer["/ID"][0].original_bytes)
        return generic.ArrayObject([first, generic.ByteStringObject(sha256(prev.stream.read()).digest()[:16])])
