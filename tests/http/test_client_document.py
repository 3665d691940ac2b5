"""docs/client.md does what it says: its commands are typed in order, beside a real server, and its program runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.client import Client
from keys.keyfile import read_ring
from keys.signer import FileSigner
from ledger.core.jws import Kid, approve
from ledger.domain.statements.members import KeyUse
from ledger.domain.statements.programme import Party
from tests.api.small import run
from tests.api.test_readme import BLOCK, commands
from tests.http.conftest import ROOT, Served
from tests.http.homes import trust_of

TEXT = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")
SERVER, ACME = "https://ledger.example", "https://acme.example"
ASKS_FOR_A_PASSPHRASE = ("keygen", "claim")


def enrol(served: Served, home: Path) -> None:
    """What the operator does with the public key that was sent; the holder of the key signs with it, too."""
    (stored,) = read_ring(home / "keys" / "acme.age", "correct horse").keys
    signer = FileSigner.from_stored(stored)
    party = Party(
        id=ACME,
        legal_name="Acme Ltd",
        roles=("claimant",),
        ultimate_owner=ACME,
        keys=(KeyUse(stored.public, ("claim",)),),
        country="DE",
    )
    statement = served.world.state("Party", party, ("operator", "operator:registrar"))
    statement = approve(statement, kid=Kid(ACME, signer.public_key), sign=signer.sign)
    with Client(served.url, trust=trust_of(served.world)) as client:
        client.submit(statement)


def test_what_the_document_says_works(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (draft,) = re.findall(r"^```json\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    (tmp_path / "draft.json").write_text(draft, encoding="utf-8")
    (tmp_path / "passphrase.txt").write_text("correct horse\n")
    (tmp_path / "passphrase.txt").chmod(0o600)
    said = []
    for shown in commands("client.md", TEXT):
        words = [served.url if word == SERVER else word for word in shown.words]
        if words[0] in ASKS_FOR_A_PASSPHRASE:
            words += ["--passphrase-file", "passphrase.txt"]
        done = run(shown.program, *words, folder=tmp_path)
        assert done.returncode == shown.exit_code, (shown, done.stderr)
        said.append(done.stdout)
        if words[0] == "keygen":
            enrol(served, tmp_path / "acme")
    assert len(said) == 7
    assert any("499000.000 kg claimed" in one for one in said)
    assert any(one.startswith("PROVEN") for one in said)

    (tmp_path / "statement.jws").write_bytes(served.world.claim(counted_by=("meter:document",)))
    (program,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(program.replace(SERVER, served.url), "docs/client.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "c2sp.org/tlog-proof@v1" in printed
    assert "submitted 499000000" in printed


def test_every_block_of_the_document_is_used() -> None:
    assert len(BLOCK.findall(TEXT)) == 7
