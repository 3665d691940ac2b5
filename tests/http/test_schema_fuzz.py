"""schemathesis, which knows nothing of us, holds a real server to its own description.

Covers THREATS H06, H12, H13; the seed is fixed, so that a failure can be met again.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.http.conftest import ROOT, Served, keep_log_key, serving
from tests.http.varied import Kept
from tests.ledgers import require_whole

EXAMPLES_MAX = 10
CASES_MIN = 1_000
# A statement is a text, a cursor too, and days have a calendar: a schema cannot tell which of them are good.
LEFT_OUT = "positive_data_acceptance"
SETTINGS = [
    *("--seed", "1", "--max-examples", str(EXAMPLES_MAX), "--phases", "examples,coverage,fuzzing"),
    *("--exclude-checks", LEFT_OUT, "--continue-on-failure", "--max-failures", "20", "--request-timeout", "30"),
    *("--max-response-time", "20", "--no-color", "--warnings", "off"),
]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Kept]]:
    directory = tmp_path_factory.mktemp("fuzzed") / "log"
    kept = Kept(directory)
    keep_log_key(directory)
    with kept.ledger, serving(directory, kept.scene.world) as served:
        yield served, kept


def test_the_server_is_as_it_describes_itself(fuzzed: tuple[Served, Kept], tmp_path: Path) -> None:
    served, kept = fuzzed
    before = httpx.get(f"{served.url}/log/checkpoint", trust_env=False).content
    program = Path(sys.executable).with_name("schemathesis")
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.http.schema_hooks", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [program, "run", f"{served.url}/openapi.json", *SETTINGS],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    (operations,) = re.findall(r"Operations: +(\d+) selected / \1 total", done.stdout)
    (cases,) = re.findall(r"([0-9,]+) generated", done.stdout)
    assert int(operations) >= 34
    assert int(cases.replace(",", "")) > CASES_MIN
    assert httpx.get(f"{served.url}/log/checkpoint", trust_env=False).content == before
    assert require_whole(kept.ledger) == kept.entries
