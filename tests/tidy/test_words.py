"""What the documents tell a person to type exists: every make target, command and option that they name."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.tidy.source import ROOT, files, where

ENTRY = {
    "gigaton": "from api.cli.main import run; run()",
    "gigaton-verify": "from verifier.cli import run; run()",
}
CODE = re.compile(r"^```[a-z]*\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(
    r"(?:^|(?<=[\s;&|(/$]))(make|gigaton-verify|gigaton)[ \t]+"
    r"(evidence (?:put|get)|methodology (?:list|show|check|draft)|[a-z][a-z-]*)([^\n`|;&>]*)",
    re.MULTILINE,
)
Typed = tuple[str, str, frozenset[str]]


def documents() -> list[Path]:
    return [path for path in files() if path.suffix == ".md" and "fonts" not in path.parts]


def typed(text: str) -> set[Typed]:
    """Every (program, command, options) in the code of a document; continued lines are one."""
    found = set()
    for fence, span in CODE.findall(text):
        for program, command, rest in COMMAND.findall((fence or span).replace("\\\n", " ")):
            options = frozenset(re.findall(r"(?<!\S)--[a-z][a-z-]*", rest))
            found.add((program, command, options))
    return found


@cache
def help_of(program: str, command: str) -> str:
    """What the command says about itself, with no terminal to please."""
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}
    asked = subprocess.run(
        [sys.executable, "-c", ENTRY[program], *shlex.split(command), "--help"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout if asked.returncode == 0 else ""


@cache
def targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_the_reader_of_documents_finds_commands() -> None:
    text = "Run `make demo`.\n```sh\n.venv/bin/gigaton-verify audit X \\\n  --trust T\n$ gigaton init --origin x\n```\n"
    assert typed(text) == {
        ("make", "demo", frozenset()),
        ("gigaton-verify", "audit", frozenset({"--trust"})),
        ("gigaton", "init", frozenset({"--origin"})),
    }


@pytest.mark.parametrize("path", documents(), ids=where)
def test_what_a_document_says_to_type_exists(path: Path) -> None:
    wrong = []
    for program, command, options in sorted(typed(path.read_text(encoding="utf-8"))):
        if program == "make":
            wrong += [] if command in targets() else [f"make {command}"]
            continue
        said = help_of(program, command)
        wrong += [] if said else [f"{program} {command}"]
        wrong += [f"{program} {command} {option}" for option in sorted(options) if said and option not in said]
    assert wrong == []


def test_make_targets_explain_themselves() -> None:
    listed = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.split()[1] for line in listed.splitlines()} >= {"demo", "test", "check", "bench", "lock", "clean"}
