"""What the README and the documents tell a person to type is typed, in their order, and ends as they say.

The demonstration runs first, by the very command of `make demo`, on twelve of its lines. `tests/tidy/test_words.py`
asks whether commands and options exist; here they run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest

from api.wiring import open_for_reading
from keys.keyfile import KeyRing, read_ring, write_ring
from ledger.domain.records import ClaimRecord
from ledger.domain.units import format_kg
from ledger.service import report
from tests.api.small import TWELVE, cut, run

ROOT = Path(__file__).parents[2]
# Their commands ask a server, and run in tests of their own beside one.
ELSEWHERE = {"api.md": "tests/http/test_docs.py", "client.md": "tests/http/test_client_document.py"}
# What an operator types on a machine of their own, with its folders and its database; that the commands and options
# exist, `tests/tidy/test_words.py` holds.
ELSEWHERE |= dict.fromkeys(("operating.md", "postgresql.md"), "tests/tidy/test_words.py")
DOCUMENTS = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in ELSEWHERE),
]
BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A command, wherever in its line it begins; what the text says that it exits with; a remark behind it.
COMMAND = re.compile(r"(?:^|(?<=[\s/]))(gigaton-verify|gigaton) +(.*?)(?:\s+-> exit (\d))?(?:\s+#.*)?$", re.MULTILINE)

# What stands for something else where it is typed: (document, word) -> what is typed here.
SUBSTITUTES = {
    ("README.md", "154"): "attested claim",
    ("access.md", "meter.csv"): "a file",
    ("access.md", "DIGEST"): "its digest",
    ("access.md", "https://acme.example"): "party",
    ("auditing.md", "export"): "export",
    ("auditing.md", "trust.json"): "trust file",
    ("auditing.md", "GT-2026-1.pdf"): "certificate",
    ("auditing.md", "154"): "claim that waits",
    ("auditing.md", "74344000.000"): "what it states",
}


class Shown(NamedTuple):
    """A command that a document shows, and the exit code that it promises."""

    document: str
    program: str
    words: tuple[str, ...]
    exit_code: int


def commands(document: str, text: str) -> list[Shown]:
    """The commands of the code blocks of a document, in order; a line that ends in a backslash goes on."""
    found = []
    for block in BLOCK.findall(text):
        for program, rest, code in COMMAND.findall(block.replace("\\\n", " ")):
            found.append(Shown(document, program, tuple(shlex.split(rest)), int(code or 0)))
    return found


def every_command() -> list[Shown]:
    """All commands of all documents."""
    return [one for path in DOCUMENTS for one in commands(path.name, path.read_text(encoding="utf-8"))]


def make_demo() -> tuple[str, ...]:
    """The words that `make demo` gives to gigaton."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\tgigaton (demo .*)$", text, re.MULTILINE)
    (folder,) = re.findall(r"^DEMO +:= (.+)$", text, re.MULTILINE)
    return tuple(shlex.split(line.replace("$(DEMO)", folder)))


class Place(NamedTuple):
    """A folder in which the documents' paths work, and what its words stand for."""

    folder: Path
    values: Mapping[str, str]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "api" / "demo").mkdir(parents=True)
    cut(folder / "api" / "demo" / "issuances.csv", TWELVE)
    cut(folder / "issuances.csv", TWELVE)
    done = run("gigaton", *make_demo(), folder=folder)
    assert done.returncode == 0, done.stderr
    data = folder / "build" / "demo"
    _hand_out_keys(data / "keys", folder)
    claims = list(_claims(data))
    attested = next(claim for claim in claims if claim.status == "verified")
    waiting = next(claim for claim in claims if claim.status == "submitted")
    values = {
        "a file": "issuances.csv",
        "its digest": sha256((folder / "issuances.csv").read_bytes()).hexdigest(),
        "party": attested.claimant,
        "attested claim": str(attested.index),
        "export": "build/demo/export",
        "trust file": "build/demo/trust.json",
        "certificate": next((data / "certificates").glob("*.pdf")).relative_to(folder).as_posix(),
        "claim that waits": str(waiting.index),
        "what it states": format_kg(waiting.stated_g),
    }
    return Place(folder, values)


def _claims(data: Path) -> Iterator[ClaimRecord]:
    with open_for_reading(data) as ledger:
        for index in range(report.head(ledger).size):
            claim = report.show(ledger, index).claim
            if claim is not None and claim.index == index:
                yield claim


def _hand_out_keys(held: Path, home: Path) -> None:
    """A verifier's two keys as that verifier would hold them: `me.age`, `reviewer.age`, `passphrase.txt`."""
    passphrase = (held / "passphrase.txt").read_text(encoding="utf-8").strip()
    keys = {key.name: key for key in read_ring(held / "demonstration.age", passphrase).keys}
    home.chmod(0o700)
    for name, role in (("me", "verifier"), ("reviewer", "reviewer")):
        write_ring(home / f"{name}.age", KeyRing((keys[f"AENOR Confia S.A.: {role}"],)), passphrase)
    (home / "passphrase.txt").write_text(passphrase + "\n", encoding="utf-8")


def typed(shown: Shown, values: Mapping[str, str]) -> list[str]:
    """The words of a command with this place's substitutes."""
    standing = (SUBSTITUTES.get((shown.document, word)) for word in shown.words)
    return [word if name is None else values[name] for word, name in zip(shown.words, standing, strict=True)]


def test_every_command_runs_and_ends_as_the_text_says(place: Place) -> None:
    ended, promised = [], []
    for shown in every_command():
        done = run(shown.program, *typed(shown, place.values), folder=place.folder)
        ended.append((shown.document, shown.words, done.returncode, done.stderr if done.returncode else ""))
        promised.append((shown.document, shown.words, shown.exit_code, done.stderr if shown.exit_code else ""))
    assert ended == promised


def test_a_command_that_is_wrong_would_be_noticed(place: Place) -> None:
    """What the test above judges by: a wrong option, a wrong path and a wrong index each end in another code."""
    for words in (["totals", "--dat", "build/demo"], ["fsck", "--data", "build/dem"], ["show", "9999"]):
        assert run("gigaton", *words, folder=place.folder).returncode != 0


def test_every_document_with_commands_is_read() -> None:
    """One command at least of each document that has a block with the program's name in it."""
    named = {
        path.name
        for path in DOCUMENTS
        if any(re.search(r"\bgigaton(-verify)? [a-z]", block) for block in BLOCK.findall(path.read_text("utf-8")))
    }
    found = every_command()
    assert {shown.document for shown in found} == named
    assert len(found) >= 9


def test_no_substitute_is_left_over() -> None:
    used = {(shown.document, word) for shown in every_command() for word in shown.words}
    assert SUBSTITUTES.keys() - used == set()


def test_commands_are_found_as_they_are_written() -> None:
    text = """
Text with `gigaton not a block`.

```
make demo     # gigatonnes
gigaton show 12 --data x    # a remark
audit     gigaton-verify audit a/export \\
  --trust "t 1.json" -> exit 3
auditor/bin/gigaton-verify --version
```
"""
    assert commands("x.md", text) == [
        Shown("x.md", "gigaton", ("show", "12", "--data", "x"), 0),
        Shown("x.md", "gigaton-verify", ("audit", "a/export", "--trust", "t 1.json"), 3),
        Shown("x.md", "gigaton-verify", ("--version",), 0),
    ]
