"""The fonts are the bytes that their README names, each with its licence beside it."""

from __future__ import annotations

import hashlib
import re

from tests.tidy.source import ROOT

FONTS = ROOT / "ledger" / "certificates" / "fonts"
ROW = re.compile(r"^\| (\S+\.ttf) \|.*\| (OFL-\S+\.txt) \| ([0-9a-f]{64}) \|$", re.MULTILINE)


def test_each_font_has_the_bytes_and_the_licence_that_are_named() -> None:
    named = {name: (licence, digest) for name, licence, digest in ROW.findall((FONTS / "README.md").read_text())}
    assert {path.name for path in FONTS.glob("*.ttf")} == set(named)
    for name, (licence, digest) in named.items():
        assert hashlib.sha256((FONTS / name).read_bytes()).hexdigest() == digest
        assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / licence).read_text(encoding="utf-8")
