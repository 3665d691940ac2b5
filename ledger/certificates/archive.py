"""The unsealed file: the drawn pages with everything attached that proves them, in one deterministic layout.

Attachments: `certificate.jws` (the credential, AFRelationship Data), and as
Supplement `checkpoint`, `entry-<index>.json` and `entry-<index>.tlog-proof`.

Source: RULES 7, CERTIFICATE 0; ISO 32000-2, 7.11.4 and 14.13.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import pikepdf
from pikepdf import AttachedFileSpec, Dictionary, Name, Pdf, String

from ledger.certificates.page import draw
from ledger.domain.facts import PageFacts

CREDENTIAL, CHECKPOINT = "certificate.jws", "checkpoint"
PRODUCER = "gigaton certificate/1"


def names_of(indexes: tuple[int, ...]) -> tuple[str, ...]:
    """Every attachment of a certificate that carries these entries, sorted."""
    names = [CREDENTIAL, CHECKPOINT]
    for index in indexes:
        names += [f"entry-{index}.json", f"entry-{index}.tlog-proof"]
    return tuple(sorted(names))


def attachments_of(
    *, credential: bytes, checkpoint: bytes, entries: Mapping[int, bytes], proofs: Mapping[int, bytes]
) -> dict[str, bytes]:
    """Attachments by name; each entry has its proof."""
    assert set(entries) == set(proofs), "each entry that is carried has its proof"
    held = {CREDENTIAL: credential, CHECKPOINT: checkpoint}
    for index, raw in entries.items():
        held[f"entry-{index}.json"] = raw
        held[f"entry-{index}.tlog-proof"] = proofs[index]
    return dict(sorted(held.items()))


def render(facts: PageFacts, attachments: Mapping[str, bytes]) -> bytes:
    """The unsealed certificate: the same facts and attachments give the same bytes.

    Raises: Refused `missing_glyph`.
    """
    moment = _pdf_moment(facts.recorded_at)
    with Pdf.open(BytesIO(draw(facts, attachments=tuple(attachments)))) as pdf:
        for page in pdf.pages:
            if "/Trans" in page:
                del page["/Trans"]
        for name, raw in sorted(attachments.items()):
            pdf.attachments[name] = _file(pdf, name, raw, moment)
        pdf.Root.AF = pikepdf.Array([pdf.attachments[name].obj for name in sorted(attachments)])
        pdf.Root.Lang = String("en")
        pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
        for key in ("/Author", "/Title", "/Subject"):
            pdf.docinfo[key] = str(pdf.docinfo[key])
        for key in ("/Creator", "/Keywords", "/Trapped"):
            if key in pdf.docinfo:
                del pdf.docinfo[key]
        pdf.docinfo["/Producer"] = PRODUCER
        pdf.docinfo["/CreationDate"] = pdf.docinfo["/ModDate"] = moment
        out = BytesIO()
        pdf.save(
            out,
            deterministic_id=True,
            fix_metadata_version=False,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            force_version="1.7",
        )
    return out.getvalue()


def _file(pdf: Pdf, name: str, raw: bytes, moment: str) -> AttachedFileSpec:
    suffix = name.rpartition(".")[2]
    kind = {"jws": "application/vc+jwt", "json": "application/json"}.get(suffix, "text/plain")
    return AttachedFileSpec(
        pdf,
        raw,
        filename=name,
        description="The credential" if name == CREDENTIAL else "Evidence for the credential",
        mime_type=kind,
        relationship=Name.Data if name == CREDENTIAL else Name.Supplement,
        creation_date=moment,
        mod_date=moment,
    )


def _pdf_moment(recorded_at: str) -> str:
    digits = "".join(character for character in recorded_at[:19] if character.isdigit())
    return f"D:{digits}Z"
