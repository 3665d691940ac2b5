"""A small real ledger by the real commands: the demonstration on a few lines of the shipped file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).parents[2] / "api" / "demo" / "issuances.csv"

# Lines of the shipped file (the header is line 1): of the largest developer with a verifier and without, and others
# of three registries.
ATTESTED, UNATTESTED = (103, 105), (107, 108, 109)
TWELVE = (2, 3, 4, 11, *ATTESTED, *UNATTESTED, 178, 185, 186)


def cut(target: Path, lines: Sequence[int]) -> Path:
    """The header and some lines of the shipped file, which has no line feed inside a cell."""
    kept = SHIPPED.read_text(encoding="utf-8").splitlines(keepends=True)
    target.write_text("".join(kept[number - 1] for number in (1, *lines)), encoding="utf-8")
    return target


def run(program: str, *words: object, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`gigaton` or `gigaton-verify` in a process of its own, on a wide terminal that is none."""
    module = {"gigaton": "api.cli.main", "gigaton-verify": "verifier.cli"}[program]
    root = str(SHIPPED.parents[2])
    given = {name: value for name, value in os.environ.items() if not name.startswith("GIGATON_")}
    settings = {**given, "COLUMNS": "200", "PYTHONPATH": root}
    command = [sys.executable, "-m", module, *map(str, words)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env=settings, stdin=subprocess.DEVNULL
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def answer(program: str, *words: object) -> tuple[int, Any]:
    """Exit code and JSON of a command."""
    done = run(program, *words, "--json")
    return done.returncode, json.loads(done.stdout)
