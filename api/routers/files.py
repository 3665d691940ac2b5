"""What is downloaded to be kept: certificates with their sealed files, and the bundle of a claim for its reviewers.

Covers THREATS H05, H10, H15.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from api import answers, describe
from api.bearer import EvidenceReader
from api.head import only_head
from api.tokens import Caller
from ledger.service import bundle as acts
from ledger.service import certificates, evidence
from ledger.service.ledger import Ledger

_PDF, _ZIP = "application/pdf", "application/zip"
_MISSING = {404: ("unknown_id",), 422: ("unknown_parameter",)}
_NUMBER = [describe.path("number", "Capitals, digits and hyphens, such as `GT-2026-1`.")]

router = APIRouter()


@router.get(
    "/v1/certificates/{number}.pdf",
    summary="The sealed file of a certificate",
    response_class=Response,
    responses=describe.raw(_PDF, "The file; the same bytes whenever it is asked for.")
    | describe.problems({404: ("no_certificate_file", "unknown_id"), 422: ("unknown_parameter",)}),
    openapi_extra={"parameters": _NUMBER},
)
def certificate_pdf(request: Request, number: str) -> Response:
    """A PDF/A-3 that carries its own proofs; `gigaton-verify certificate` checks it without this server."""
    answers.require_no_query(request)
    service = request.app.state.service
    raw = certificates.certificate_file(service.ledger, number, sealing=service.sealing)
    # A number is capitals, digits and hyphens: whatever else was asked for is not recorded and does not come here.
    named = {"Content-Disposition": f'attachment; filename="{number}.pdf"'}
    return answers.kept(request, raw, _PDF, headers=named)


# The decorator below is the first to be read, so that `.json` is no part of a number.
@router.get(
    "/v1/certificates/{number}",
    summary="One certificate",
    response_class=Response,
    responses=describe.dated(certificates.FoundCertificate, "It.") | describe.problems(_MISSING),
    openapi_extra={"parameters": _NUMBER},
)
@router.get(
    "/v1/certificates/{number}.json",
    summary="One certificate, under the name that stands beside its file",
    operation_id="certificate_json",
    response_class=Response,
    responses=describe.dated(certificates.FoundCertificate, "It.") | describe.problems(_MISSING),
    openapi_extra={"parameters": _NUMBER},
)
def certificate(request: Request, number: str) -> Response:
    """What it certifies and whether that still holds: revoked, expired, stale (and which claims changed) or current."""
    answers.require_no_query(request)
    found = certificates.certificate(request.app.state.service.ledger, number)
    return answers.dated(request, found.as_of, found)


@router.get(
    "/v1/claims/{identity}/bundle",
    summary="All that a reviewer of a claim needs, in one zip",
    response_class=Response,
    responses=describe.raw(_ZIP, "manifest.json, checkpoint, entries/ with proofs, evidence/ (docs/api.md).")
    | describe.problems(
        {
            401: ("bad_token",),
            403: ("scope_too_small",),
            404: ("no_entry", "unknown_id"),
            422: ("too_many_entries", "unknown_parameter"),
        }
    ),
    openapi_extra={"parameters": [describe.path("identity", "The id of the claim's statement (`urn:uuid:...`).")]},
)
def claim_bundle(request: Request, identity: str, caller: EvidenceReader) -> Response:
    """The claim, every entry on which it rests, each with a proof to one checkpoint, and the evidence one may see."""
    answers.require_no_query(request)
    ledger: Ledger = request.app.state.service.ledger
    made = acts.bundle(ledger, identity, may_read=_may_read(ledger, identity, caller))
    # The manifest determines the content; how tightly it is packed may differ from one machine to another.
    tag = f"W/{answers.tag_of(made.manifest)}"
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="claim-{made.claim.index}.zip"',
        "ETag": tag,
        answers.CHECKPOINT_HEADER: f"{made.checkpoint.origin} {made.checkpoint.size} {made.checkpoint.root.hex()}",
    }
    if answers.has(request, tag):
        return Response(status_code=304, headers=headers)
    if only_head(request):
        return Response(headers=headers, media_type=_ZIP)
    return StreamingResponse(made.stream(), headers=headers, media_type=_ZIP)


def _may_read(ledger: Ledger, claim: str, caller: Caller | None) -> acts.MayRead:
    """Which evidence of a claim the caller may see. Without a token, what is public."""
    party = None if caller is None else caller.party
    return lambda digest: evidence.may_read(ledger, party=party, claim=claim, digest=digest)
