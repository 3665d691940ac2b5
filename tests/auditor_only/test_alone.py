"""The auditor runs alone: no server code, database, web framework or PDF writer is loaded to check a log.

Tests in this folder run twice: with everything installed, and by `.ci/auditor-only` against the built wheel where
only verifier/requirements.txt and a test runner are. So they import nothing but the standard library, pytest,
hypothesis, `verifier`, `keys`, `ledger.core` and `ledger.domain`, and make their own logs out of these.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

SERVER = (
    "ledger.store",
    "ledger.service",
    "ledger.sequencer",
    "ledger.certificates",
    "api",
    "sqlmodel",
    "sqlalchemy",
    "fastapi",
    "reportlab",
    "pyhanko",
    "pikepdf",
)

REFUSE_SERVER = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        for refused in {SERVER!r}:
            if name == refused or name.startswith(refused + "."):
                raise ModuleNotFoundError(name + " was imported by the auditor", name=name)
sys.meta_path.insert(0, Refuse())
"""


@pytest.mark.parametrize(
    "command", [[], ["audit"], ["receipt"], ["compare"], ["attest"], ["certificate"], ["monte-carlo"]]
)
def test_every_command_explains_itself_without_the_server(command: list[str]) -> None:
    """DESIGN 3: even the certificate check starts; what it lacks it says when it is asked to check one."""
    run = f"{REFUSE_SERVER}\nsys.argv[1:] = {[*command, '--help']!r}\nfrom verifier.cli import run\nrun()"
    said = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    assert "Usage" in said.stdout


def test_the_refusal_itself_works() -> None:
    """A check that cannot fail proves nothing: the guard above does stop an import of the server."""
    run = f"{REFUSE_SERVER}\nimport ledger.store"
    said = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert "ledger.store was imported by the auditor" in said.stderr


def test_the_command_is_installed() -> None:
    (command,) = entry_points(group="console_scripts", name="gigaton-verify")
    assert command.value == "verifier.cli:run"
