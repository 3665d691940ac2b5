"""Commands run in this process, or in one process on a machine that has nothing of the server's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from typer.testing import CliRunner

from api.cli.main import app
from api.cli.output import exit_code_of
from ledger.errors import LedgerError

ROOT = Path(__file__).parents[2]
# Packages of the server's side: a participant's machine has none of them.
SERVER_PACKAGES = ("sqlalchemy", "sqlmodel", "alembic", "psycopg", "fastapi", "starlette", "uvicorn", "reportlab")


class Done(NamedTuple):
    """How a command ended, what it printed, and under which code it failed."""

    exit_code: int
    out: str
    err: str
    code: str | None


def invoke(*words: object) -> Done:
    """A command of `gigaton`, up to where an error becomes a message."""
    given = {name: None for name in os.environ if name.startswith("GIGATON_")}
    done = CliRunner().invoke(app, list(map(str, words)), env={**given, "COLUMNS": "200"})
    if isinstance(done.exception, LedgerError):
        return Done(exit_code_of(done.exception), done.stdout, done.stderr, done.exception.code)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr, None)


def invoke_alone(folder: Path, commands: Sequence[Sequence[object]]) -> list[Done]:
    """Commands one after the other, in a process that ends when a package of the server's is imported."""
    for name in SERVER_PACKAGES:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise SystemExit(f'{__name__} was imported')\n")
    path = os.pathsep.join(map(str, (folder, ROOT)))
    asked = json.dumps([list(map(str, words)) for words in commands])
    code = "import sys; from tests.http.commands import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=asked,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    answers: list[list[Any]] = json.loads(done.stdout)
    return [Done(*answer) for answer in answers]


def main() -> None:
    """The other side of `invoke_alone`."""
    sys.stdout.write(json.dumps([invoke(*words) for words in json.load(sys.stdin)]))
