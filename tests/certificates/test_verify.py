"""Checking a certificate: the true one is valid, everything else is not. P01 to P11, M18, R11, R12."""

from __future__ import annotations

import re
import tracemalloc
import zlib
from io import BytesIO

import msgspec
import pikepdf
import pytest
from pyhanko.pdf_utils import embed, generic
from pyhanko.pdf_utils.generic import pdf_string
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from ledger.certificates.archive import render
from tests.certificates.conftest import NOW_MS, Authority, Issued, authority, issue, trust_for
from tests.certificates.dossiers import Log
from tests.world import World
from verifier.certificate import CertificateReport, verify_certificate


def check(pdf: bytes, issued: Issued) -> CertificateReport:
    return verify_certificate(pdf, trust=issued.trust, now_ms=NOW_MS)


def failure(report: CertificateReport) -> str:
    return next(step.code for step in report.steps if step.result == "failed")


def gap_of(pdf: bytes) -> tuple[int, int]:
    match = re.search(rb"/ByteRange \[0 (\d+) (\d+) \d+\]", pdf)
    assert match is not None
    return int(match.group(1)), int(match.group(2))


def test_a_certificate_is_valid(issued: Issued) -> None:
    report = check(issued.sealed, issued)
    assert (report.verdict, report.exit_code) == ("VALID", 0)
    assert {step.name for step in report.steps if step.result != "ok"} == {"status"}
    assert (report.number, report.index) == (issued.facts.number, issued.facts.index)


def test_the_whole_check_never_fails_otherwise(issued: Issued) -> None:
    for place in range(0, len(issued.sealed), len(issued.sealed) // 60):
        changed = bytearray(issued.sealed)
        changed[place] ^= 0x10
        assert check(bytes(changed), issued).exit_code in (1, 2)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda pdf: pdf + b"\n", "bad_seal"),
        (lambda pdf: pdf + b"x", "bad_seal"),
        (lambda pdf: pdf + b"%%EOF\n", "bad_seal"),
        (lambda pdf: b"\n" + pdf, "not_a_certificate"),
        (lambda pdf: b"%\n" + pdf, "not_a_certificate"),
        (lambda pdf: pdf[:-1], "bad_seal"),
        (lambda pdf: pdf[: len(pdf) // 2], "bad_seal"),
        (lambda pdf: pdf.replace(b"%PDF-1.7", b"%PDF-2.0", 1), "not_a_certificate"),
        (lambda pdf: b"", "not_a_certificate"),
        (lambda pdf: b"%PDF-1.7\n" * 2_000_000, "not_a_certificate"),
        (lambda pdf: b"%PDF-1.7\n%%EOF\n", "not_sealed"),
        (lambda pdf: b"PK\x03\x04" + bytes(100), "not_a_certificate"),
    ],
)
def test_bytes_before_after_and_missing(issued: Issued, change, code: str) -> None:
    """P04, P05, P11."""
    report = check(change(issued.sealed), issued)
    assert failure(report) == code
    assert report.exit_code == (2 if code == "not_a_certificate" else 1)


def test_the_case_of_a_digit_and_the_padding_are_fixed(issued: Issued) -> None:
    start, end = gap_of(issued.sealed)
    hexed = issued.sealed[start:end]
    lower = hexed.lower()
    padded = hexed[:-3] + b"01>"
    for gap in (lower, padded):
        assert failure(check(issued.sealed[:start] + gap + issued.sealed[end:], issued)) == "bad_seal"


def test_an_unsealed_a_truncated_and_a_saved_again_file_is_no_certificate(issued: Issued) -> None:
    """P05, M18: no signature is a failure of its own."""
    assert failure(check(issued.unsealed, issued)) == "not_sealed"
    assert failure(check(issued.sealed[: len(issued.unsealed)], issued)) == "not_sealed"
    out = BytesIO()
    with pikepdf.open(BytesIO(issued.sealed)) as pdf:
        pdf.save(out, force_version="1.7")
    assert check(out.getvalue(), issued).exit_code in (1, 2)


def test_an_incremental_update_is_refused(issued: Issued, sealer: Authority) -> None:
    """P02, P07, P10: an empty update, another title, a second signature, even by the same key."""

    def language(writer: IncrementalPdfFileWriter) -> None:
        writer.root["/Lang"] = pdf_string("fr")
        writer.update_root()

    def overlay(writer: IncrementalPdfFileWriter) -> None:
        paint = generic.StreamObject(stream_data=b"q 1 1 1 rg 0 0 600 850 re f Q")
        writer.add_stream_to_page(0, writer.add_object(paint))

    def attachment(writer: IncrementalPdfFileWriter) -> None:
        stream = embed.EmbeddedFileObject.from_file_data(writer, b"{}", params=embed.EmbeddedFileParams())
        embed.embed_file(writer, embed.FileSpec("certificate.jws", embedded_data=stream))

    def title(writer: IncrementalPdfFileWriter) -> None:
        info = writer.trailer["/Info"]
        info["/Title"] = pdf_string("Certificate of everything")
        writer.update_container(info)

    for change in (lambda writer: writer.update_root(), language, overlay, attachment, title):
        out = BytesIO()
        writer = IncrementalPdfFileWriter(BytesIO(issued.sealed), strict=True)
        change(writer)
        writer.write(out)
        assert out.getvalue().startswith(issued.sealed)
        assert len(out.getvalue()) > len(issued.sealed)
        assert check(out.getvalue(), issued).exit_code == 1


def test_two_signatures_by_the_true_key_are_one_too_many(issued: Issued, sealer: Authority) -> None:
    """P10: what the seal covers must be a file that no one signed before."""
    assert sealer.seal(issued.unsealed).startswith(issued.unsealed)
    twice = issued.sealed + issued.sealed[len(issued.unsealed) :]
    assert failure(check(twice, issued)) == "bad_seal"


def test_a_seal_by_another_authority_of_the_same_name_is_refused(issued: Issued) -> None:
    """P10, R12: the key counts, not the name; without a pinned seal nothing is valid."""
    attacker = authority()
    assert failure(check(attacker.seal(issued.unsealed), issued)) == "seal_not_pinned"
    changed = attacker.seal(issued.unsealed).replace(b"/Type", b"/Tape", 1)
    assert failure(check(changed, issued)) == "seal_not_pinned"
    assert failure(verify_certificate(issued.sealed, trust=trust_for(issued.log), now_ms=NOW_MS)) == "seal_not_pinned"


def changed_file(issued: Issued, sealer: Authority, change) -> bytes:
    """The unsealed file changed by somebody who also has the true seal key."""
    out = BytesIO()
    with pikepdf.open(BytesIO(issued.unsealed)) as pdf:
        change(pdf)
        pdf.save(
            out,
            deterministic_id=True,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            force_version="1.7",
        )
    return sealer.seal(out.getvalue())


def test_the_true_key_cannot_seal_another_page(issued: Issued, sealer: Authority) -> None:
    """P03: white paint over the page, or a layer, sealed by the true key, is found by drawing it again."""

    def paint(pdf: pikepdf.Pdf) -> None:
        pdf.pages[0].contents_add(b"q 1 1 1 rg 0 0 600 850 re f Q")

    def script(pdf: pikepdf.Pdf) -> None:
        pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")

    def title(pdf: pikepdf.Pdf) -> None:
        pdf.docinfo["/Title"] = "Certificate of everything"

    assert failure(check(changed_file(issued, sealer, paint), issued)) == "page_differs"
    assert failure(check(changed_file(issued, sealer, script), issued)) == "bad_file"
    assert failure(check(changed_file(issued, sealer, title), issued)) == "page_differs"


def test_attachments_added_missing_doubled_and_swapped(issued: Issued, sealer: Authority) -> None:
    """P06."""

    def added(pdf: pikepdf.Pdf) -> None:
        pdf.attachments["more.txt"] = b"more"

    def missing(pdf: pikepdf.Pdf) -> None:
        del pdf.attachments["entry-3.tlog-proof"]

    def doubled(pdf: pikepdf.Pdf) -> None:
        names = pdf.Root.Names.EmbeddedFiles
        flat = names.Kids[0].Names if "/Kids" in names else names.Names
        flat.extend([flat[0], flat[1]])

    for change in (added, missing, doubled):
        assert failure(check(changed_file(issued, sealer, change), issued)) == "bad_attachments"


def test_a_bomb_under_the_true_key_stays_small(issued: Issued, sealer: Authority) -> None:
    """P11: an attachment that unpacks to 100 MB, and a file of 30,000 objects, end in an error at once."""

    def bomb(pdf: pikepdf.Pdf) -> None:
        stream = pdf.attachments["entry-3.json"].obj.EF.F
        stream.write(zlib.compress(bytes(100_000_000), 9), filter=pikepdf.Name.FlateDecode)

    def crowd(pdf: pikepdf.Pdf) -> None:
        pdf.Root.PageMode = pikepdf.Array([pdf.make_indirect(pikepdf.Dictionary(A=1)) for _ in range(30_000)])

    packed = changed_file(issued, sealer, bomb)
    tracemalloc.start()
    assert failure(check(packed, issued)) == "bad_attachments"
    assert tracemalloc.get_traced_memory()[1] < 30_000_000
    tracemalloc.stop()
    assert failure(check(changed_file(issued, sealer, crowd), issued)) == "bad_file"


def test_parts_of_two_true_certificates_do_not_mix(issued: Issued, sealer: Authority) -> None:
    """R11, P08: every part of another log's certificate, and of another certificate of the same log."""
    other_log = Log(World(origin="other.example/log"))
    other = issue(other_log, other_log.certify([other_log.verified_claim()]), sealer)
    assert check(other.sealed, other).exit_code == 0
    assert check(other.sealed, issued).exit_code == 1
    same_log = Log()
    same_log.verified_claim("plant")
    same = issue(same_log, same_log.certify([same_log.verified_claim()]), sealer)
    assert check(same.sealed, same).exit_code == 0
    for theirs in (other, same):
        for name in sorted(set(issued.files) & set(theirs.files)):
            mixed = {**issued.files, name: theirs.files[name]}
            if mixed == issued.files:
                continue
            report = check(sealer.seal(render(issued.facts, mixed)), issued)
            assert report.exit_code == 1, name


def test_accreditors_that_are_not_listed_are_not_enough(issued: Issued) -> None:
    trust = msgspec.structs.replace(issued.trust, accreditors=())
    assert verify_certificate(issued.sealed, trust=trust, now_ms=NOW_MS).exit_code == 3


def test_missing_witnesses_are_not_enough(issued: Issued) -> None:
    trust = msgspec.structs.replace(issued.trust, witnesses=msgspec.structs.replace(issued.trust.witnesses, quorum=1))
    assert verify_certificate(issued.sealed, trust=trust, now_ms=NOW_MS).exit_code == 3


def test_an_expired_certificate_is_valid_no_longer(issued: Issued) -> None:
    a_year = 366 * 86_400_000
    assert verify_certificate(issued.sealed, trust=issued.trust, now_ms=NOW_MS + a_year).exit_code == 5
