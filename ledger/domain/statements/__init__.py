"""What may be said: the closed table of kinds, and the only reader of statements.

Source: DESIGN 4.1, RULES 1.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct, field

from ledger.core import canonical
from ledger.core.jws import Kid, OpenedJws
from ledger.core.strict import timestamp_seconds
from ledger.domain.statements.claim import Attestation, Claim, Correction
from ledger.domain.statements.finding import Finding, Response
from ledger.domain.statements.members import PartyId, StatementId, Subject, Timestamp
from ledger.domain.statements.methodology import FactorSet, Methodology
from ledger.domain.statements.programme import Accreditation, Key, Party, Programme
from ledger.domain.statements.report import Certificate, Target
from ledger.errors import Malformed, Unsupported

CONTEXT = ("https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/undefined-terms/v2")

# The one closed table of kinds. A kind is added here, and a rule for it in `ledger.domain.rules`.
KINDS: dict[str, Any] = {
    "Programme": Programme,
    "Party": Party,
    "Key": Key,
    "Accreditation": Accreditation,
    "FactorSet": FactorSet,
    "Methodology": Methodology,
    "Target": Target,
    "Claim": Claim,
    "Finding": Finding,
    "Response": Response,
    "Attestation": Attestation,
    "Correction": Correction,
    "Certificate": Certificate,
}

T = TypeVar("T")


class Credential(Struct, Generic[T], frozen=True, gc=False, forbid_unknown_fields=True):
    """A W3C Verifiable Credential 2.0 around one subject."""

    context: tuple[
        Literal["https://www.w3.org/ns/credentials/v2"],
        Literal["https://www.w3.org/ns/credentials/undefined-terms/v2"],
    ] = field(name="@context")
    credential_subject: T = field(name="credentialSubject")
    id: StatementId
    issuer: PartyId
    ledger: str
    type: tuple[Literal["VerifiableCredential"], str]
    valid_from: Timestamp = field(name="validFrom")


class _Kind(Struct):
    """Just enough of a credential to see its kind; everything else is read by the typed schema."""

    type: tuple[str, str]


class Statement(Struct, frozen=True, gc=False):
    """One parsed statement: who says what, and who approves it (`signers`: author first)."""

    id: str
    kind: str
    issuer: str
    ledger: str
    valid_from: str
    subject: Subject
    signers: tuple[Kid, ...]


_GENERIC: Any = Credential
_SHAPES: dict[str, Any] = {kind: _GENERIC[shape] for kind, shape in KINDS.items()}
canonical.prepare(_Kind, *_SHAPES.values())


def read_statement(opened: OpenedJws) -> Statement:
    """Read the payload of an opened JWS as a statement of a known kind.

    Raises: Malformed with the code of `canonical.decode_as`, or `bad_schema`
        when a member is unknown, missing or of the wrong spelling;
        Unsupported `unknown_kind`.
    """
    kind = canonical.peek(opened.payload, _Kind).type[1]
    shape = _SHAPES.get(kind)
    if shape is None:
        raise Unsupported("unknown_kind", f"this release knows no statement of kind {kind[:80]!r}", kind=kind[:80])
    credential = canonical.decode_as(opened.payload, shape)
    timestamp_seconds(credential.valid_from)
    return Statement(
        id=credential.id,
        kind=kind,
        issuer=credential.issuer,
        ledger=credential.ledger,
        valid_from=credential.valid_from,
        subject=credential.credential_subject,
        signers=tuple([signature.kid for signature in opened.signatures]),
    )


def write_payload(*, kind: str, subject: Subject, id: str, issuer: str, ledger: str, valid_from: str) -> bytes:
    """The canonical payload of a new statement, ready to be signed.

    Raises: Malformed `bad_schema` if the statement would not be read back.
    """
    credential: Credential[Any] = Credential(
        context=CONTEXT,  # type: ignore[arg-type]
        credential_subject=subject,
        id=id,
        issuer=issuer,
        ledger=ledger,
        type=("VerifiableCredential", kind),
        valid_from=valid_from,
    )
    payload = canonical.encode(credential)
    if kind not in _SHAPES:
        raise Malformed("bad_schema", f"no statement of kind {kind!r} can be written")
    canonical.decode_as(payload, _SHAPES[kind])
    return payload
