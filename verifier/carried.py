"""What a sealed certificate carries, and that its file does nothing but show pages and carry it.

Called only for files that the pinned key sealed (`verifier.seal`).

Source: CERTIFICATE 7; THREATS P03, P05, P06, P11.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import NamedTuple

import pikepdf
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation.status import SignatureCoverageLevel

from ledger.errors import Malformed, Unproven

OBJECTS_MAX = 20_000
ATTACHMENTS_MAX = 8_194
ATTACHMENT_BYTES_MAX = 2_000_000
PAGES_MAX = 64

CREDENTIAL, CHECKPOINT = "certificate.jws", "checkpoint"
_ENTRY = re.compile(r"entry-(0|[1-9][0-9]{0,15})\.(json|tlog-proof)\Z")
_CATALOG = {
    *("/Type", "/Pages", "/AF", "/Lang", "/Names", "/PageMode", "/ViewerPreferences"),
    *("/AcroForm", "/Extensions", "/Perms"),
}
_NO_CHANGES = 1


class Attached(NamedTuple):
    """The attachments of a certificate: entries and proofs by index."""

    credential: bytes
    checkpoint: bytes
    entries: dict[int, bytes]
    proofs: dict[int, bytes]
    unsealed_bytes: int


def read_carried(pdf: bytes) -> Attached:
    """The attachments of a sealed file, each there and named once.

    Raises: Unproven `bad_file`, `bad_attachments`.
    """
    try:
        unsealed_bytes = _check_revisions(pdf)
        with pikepdf.open(BytesIO(pdf)) as opened:
            _check_passive(opened)
            named = _named_files(opened)
    except (Unproven, Malformed):
        raise
    # Two parsers of a hostile format raise whatever they like; here each of it means the same.
    except Exception as error:  # noqa: BLE001
        raise Unproven("bad_file", f"the file cannot be read as a certificate: {error}"[:300]) from None
    return _sorted(named, unsealed_bytes)


def _check_revisions(pdf: bytes) -> int:
    """One drawn revision and one seal over it, as a strict reader sees them; the bytes of the first."""
    reader = PdfFileReader(BytesIO(pdf), strict=True)
    if reader.encrypted or reader.xrefs.total_revisions != 2:
        raise Unproven("bad_file", "a certificate is one drawn revision and one seal, not encrypted")
    signatures = reader.embedded_signatures
    if len(signatures) != 1 or len(reader.embedded_regular_signatures) != 1:
        raise Unproven("bad_file", f"the file carries {len(signatures)} signatures, a certificate carries one")
    seal = signatures[0]
    if seal.evaluate_signature_coverage() != SignatureCoverageLevel.ENTIRE_FILE:
        raise Unproven("bad_file", "the seal does not cover the whole file")
    if len(reader.root["/AcroForm"]["/Fields"]) != 1 or "/DocMDP" not in reader.root["/Perms"]:
        raise Unproven("bad_file", "the file is not certified against every change")
    if seal.docmdp_level is None or seal.docmdp_level.value != _NO_CHANGES:
        raise Unproven("bad_file", "the file is not certified against every change")
    return int(pdf.find(b"%%EOF\n")) + len(b"%%EOF\n")


def _check_passive(opened: pikepdf.Pdf) -> None:
    """No scripts, actions, layers, forms or overlays: nothing that could show something else tomorrow."""
    if len(opened.objects) > OBJECTS_MAX or len(opened.pages) > PAGES_MAX:
        raise Unproven("bad_file", "the file has more objects or pages than a certificate")
    unknown = set(opened.Root.keys()) - _CATALOG
    if unknown or set(opened.Root.Names.keys()) != {"/EmbeddedFiles"}:
        raise Unproven("bad_file", f"the catalog holds what no certificate has: {', '.join(sorted(unknown))}"[:200])
    for number, page in enumerate(opened.pages):
        notes = list(page.get("/Annots", []))
        allowed = 1 if number == 0 else 0
        if len(notes) != allowed or "/AA" in page or any(note.get("/FT") != pikepdf.Name.Sig for note in notes):
            raise Unproven("bad_file", f"page {number + 1} carries something besides its drawing")


def _named_files(opened: pikepdf.Pdf) -> dict[str, bytes]:
    listed = list(_leaves(opened.Root.Names.EmbeddedFiles, depth=0))
    held = [one for one in opened.objects if isinstance(one, pikepdf.Stream) and one.get("/Type") == "/EmbeddedFile"]
    if not 0 < len(listed) <= ATTACHMENTS_MAX or len(held) != len(listed) or len(opened.Root.AF) != len(listed):
        raise Unproven("bad_attachments", f"{len(held)} files are embedded, {len(listed)} are listed")
    named: dict[str, bytes] = {}
    for name, specification in listed:
        stream = specification.EF.F
        if name in named or str(specification.UF) != name or str(specification.F) != name:
            raise Unproven("bad_attachments", f"the attachment {name[:80]!r} bears two names, or its name twice")
        if specification.EF.get("/UF", stream).objgen != stream.objgen or len(specification.EF.keys()) > 2:
            raise Unproven("bad_attachments", f"the attachment {name[:80]!r} has two contents")
        named[name] = _content(name, stream)
    return named


def _content(name: str, stream: pikepdf.Object) -> bytes:
    """The bytes of an attachment, never more than the limit in memory whatever they were compressed to."""
    raw = stream.read_raw_bytes()
    packed = stream.get("/Filter")
    if packed is not None:
        if packed != pikepdf.Name.FlateDecode or "/DecodeParms" in stream:
            raise Unproven("bad_attachments", f"the attachment {name[:80]!r} is packed in an unknown way")
        raw = zlib.decompressobj().decompress(raw, ATTACHMENT_BYTES_MAX + 1)
    if len(raw) > ATTACHMENT_BYTES_MAX:
        raise Unproven("bad_attachments", f"the attachment {name[:80]!r} is too large")
    return raw


def _leaves(tree: pikepdf.Object, *, depth: int) -> Iterator[tuple[str, pikepdf.Object]]:
    """Every (name, file specification) of a name tree, doubles included."""
    if depth > 8:
        raise Unproven("bad_attachments", "the list of attachments is nested too deep")
    for branch in tree.get("/Kids", []):
        yield from _leaves(branch, depth=depth + 1)
    flat = list(tree.get("/Names", []))
    for at in range(0, len(flat), 2):
        yield str(flat[at]), flat[at + 1]


def _sorted(named: dict[str, bytes], unsealed_bytes: int) -> Attached:
    entries: dict[int, bytes] = {}
    proofs: dict[int, bytes] = {}
    for name, raw in named.items():
        match = _ENTRY.match(name)
        if match:
            (entries if match.group(2) == "json" else proofs)[int(match.group(1))] = raw
        elif name not in (CREDENTIAL, CHECKPOINT):
            raise Unproven("bad_attachments", f"no certificate carries {name[:80]!r}")
    if CREDENTIAL not in named or CHECKPOINT not in named or set(entries) != set(proofs):
        raise Unproven("bad_attachments", "the credential, the checkpoint or a proof is missing")
    return Attached(named[CREDENTIAL], named[CHECKPOINT], entries, proofs, unsealed_bytes)
