"""Every line that docs/api.md tells a person to type is typed, in its order, against a server of the demonstration.

`tests/api/test_readme.py` does the same for the documents that need no server.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.small import TWELVE, cut, run
from tests.api.test_readme import make_demo
from tests.http.conftest import ROOT, Served, serving
from tests.world import World

DOCUMENT = ROOT / "docs" / "api.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Served from a folder in which the document's paths work."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "api" / "demo").mkdir(parents=True)
    cut(folder / "api" / "demo" / "issuances.csv", TWELVE)
    done = run("gigaton", *make_demo(), folder=folder)
    assert done.returncode == 0, done.stderr
    with serving(folder / "build" / "demo", World()) as served:
        yield served


def script() -> str:
    return "".join(BLOCK.findall(DOCUMENT.read_text(encoding="utf-8")))


def test_every_line_runs(demonstration: Served, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, module in (("gigaton", "api.cli.main"), ("gigaton-verify", "verifier.cli")):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        (programs / name).chmod(0o755)
    given = {name: value for name, value in os.environ.items() if not name.startswith("GIGATON_")}
    environment = {**given, "PATH": f"{programs}:{given['PATH']}", "PYTHONPATH": str(ROOT), "no_proxy": "*"}
    assert ADDRESS in script()
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script().replace(ADDRESS, demonstration.url)],
        cwd=demonstration.directory.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("PROVEN") >= 8  # one receipt, one certificate, and every entry of the bundle


def test_every_route_of_reading_is_named(demonstration: Served) -> None:
    """A reader finds each list and thing; the rest is in /openapi.json."""
    text = DOCUMENT.read_text(encoding="utf-8")
    with demonstration.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    lists = {path.split("/")[2] for path in paths if re.fullmatch(r"/v1/[a-z-]+", path) and "get" in paths[path]}
    assert {name for name in lists if f"`{name}" not in text and f"/v1/{name}" not in text} == set()
