"""The drawn document: the same facts give the same bytes, every name is written whole or refused. P12, P13."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.certificates import fonts
from ledger.certificates.archive import render
from ledger.certificates.page import draw
from ledger.certificates.qr import bars
from ledger.certificates.words import big_number, share, tonnes
from ledger.core.strict import to_base64url
from ledger.errors import Refused
from tests.certificates.conftest import Authority, Issued
from tests.certificates.dossiers import payload_of
from tests.world import key_of


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def test_the_same_facts_give_the_same_bytes_in_another_process(issued: Issued) -> None:
    """P12: whatever the hash seed, time zone and language of the process."""
    program = (
        "import hashlib;from tests.certificates.dossiers import Log;from tests.certificates.conftest import *;"
        "log=Log();made=log.certify([log.verified_claim()]);facts=page_facts(fold(made.entries),made.checkpoint);"
        "files=attachments_of(credential=made.credential,checkpoint=made.checkpoint.raw,entries=made.entries,"
        "proofs=made.proofs);print(hashlib.sha256(render(facts,files)).hexdigest())"
    )
    here = Path(__file__).parents[2]
    digests = set()
    for seed, zone, language in (("1", "UTC", "C"), ("77", "Asia/Shanghai", "C.UTF-8")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, env=environment, cwd=here, timeout=120
        )
        digests.add(done.stdout.decode().strip())
    assert digests == {sha256(issued.unsealed).hexdigest()}


def test_two_seals_differ_in_the_signature_alone(issued: Issued, sealer: Authority) -> None:
    again = sealer.seal(issued.unsealed)
    start = again.index(b"/Contents <", len(issued.unsealed))
    end = again.index(b">", start)
    assert again[:start] + again[end:] == issued.sealed[:start] + issued.sealed[end:]
    assert again.startswith(issued.unsealed)


@pytest.mark.parametrize("name", ["\N{ARABIC LETTER BEH}", "A\N{PILE OF POO}", "\N{CJK UNIFIED IDEOGRAPH-9F98}"])
def test_a_character_that_no_font_has_is_refused(issued: Issued, name: str) -> None:
    with pytest.raises(Refused) as caught:
        draw(replace(issued.facts, holder=name), attachments=())
    assert caught.value.code == "missing_glyph"


@pytest.mark.parametrize(
    "holder",
    ["W" * 400, "中" * 400, "Łódź-Shenzhen 中环联合 CO₂ Genossenschaft mbH", "a " * 200, "Ω", "Компания"],
)
def test_any_name_fits_the_page(issued: Issued, holder: str) -> None:
    size, lines = fonts.fit(holder, "Serif", room=483, height=60, largest=23, smallest=7)
    assert "".join(lines).replace(" ", "") == holder.replace(" ", "")
    assert all(fonts.width(line, "Serif", size) <= 483 for line in lines)
    assert len(lines) * size * 1.2 <= 75
    assert draw(replace(issued.facts, holder=holder), attachments=()).startswith(b"%PDF-1.7")


@pytest.mark.parametrize("count", [1, 64])
@pytest.mark.parametrize("grams", [1, 1_500_000_000_000_000, 9_999_999_999_999_999])
def test_one_and_many_claims_of_the_least_and_the_most(issued: Issued, count: int, grams: int) -> None:
    one = replace(issued.facts.claims[0], amount_g=grams, title="A very long title " * 20)
    facts = replace(
        issued.facts,
        claims=(one,) * count,
        total_g=grams,
        by_lever=(("removal", grams),),
        by_kind=(("removal", grams),),
        goal_part_g=grams,
    )
    assert draw(facts, attachments=()).startswith(b"%PDF-1.7")


@given(st.integers(1, 10**16 - 1))
@settings(max_examples=200)
def test_figures_are_exact(grams: int) -> None:
    whole, decimals, unit = big_number(grams)
    digits = int((whole + decimals).replace(",", "").replace(".", ""))
    scale = {3: 1000, 6: 1}[len(decimals) - 1] if unit.startswith("tonnes") else 1
    assert digits * scale == grams
    assert int(tonnes(grams).replace(",", "").replace(".", "")) * (1000 if grams % 1000 == 0 else 1) == grams


def test_a_qr_code_holds_the_whole_hash(issued: Issued) -> None:
    assert issued.facts.qr_text.endswith(issued.facts.entry_hash)
    modules, dark = bars(issued.facts.qr_text)
    assert 21 <= modules <= 177
    assert dark[0] == (0, 0, 7)


def test_outside_tools_read_the_file(issued: Issued, tmp_path: Path) -> None:
    """P13: poppler validates the seal, qpdf the structure, and the credential verifies by another JOSE library."""
    path = tmp_path / "certificate.pdf"
    path.write_bytes(issued.sealed)
    said = run("pdfsig", str(path))
    assert "Signature Validation: Signature is Valid." in said
    assert "Total document signed" in said
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", str(path))
    run("pdfdetach", "-saveall", "-o", str(tmp_path), str(path))
    for name, raw in issued.files.items():
        assert (tmp_path / name).read_bytes() == raw
    key = jwt.PyJWK({"kty": "OKP", "crv": "Ed25519", "x": to_base64url(bytes(key_of("operator:operator").verify_key))})
    jws = (tmp_path / "certificate.jws").read_bytes()
    assert jwt.PyJWS().decode(jws, key=key.key, algorithms=["EdDSA"]) == payload_of(jws)


def test_the_page_shows_every_fact(issued: Issued, tmp_path: Path) -> None:
    path = tmp_path / "certificate.pdf"
    path.write_bytes(issued.sealed)
    text = run("pdftotext", "-layout", str(path), "-")
    facts = issued.facts
    shown = [facts.number, facts.holder, facts.entry_hash, facts.root, facts.origin, facts.status_url, "499", ".000"]
    shown += [facts.claims[0].entry_hash, "Verifier Ltd", "Reasonable assurance", "none recorded", "unwitnessed"]
    for fact in shown:
        assert fact in text, fact


def test_a_file_drawn_from_other_facts_differs(issued: Issued) -> None:
    assert render(replace(issued.facts, number="GT-2"), issued.files) != issued.unsealed


@pytest.mark.parametrize(
    ("part", "said"),
    [(0, "0.0000 %"), (1, "less than 0.0001 %"), (1_500_000_000, "0.0001 %"), (1_500_000_000_000_000, "100.0000 %")],
)
def test_a_share_of_nothing_differs_from_a_small_one(part: int, said: str) -> None:
    assert share(part, of=1_500_000_000_000_000) == said
