"""The main job on real input, in a real process: totals are an independent sum over the same file, to the gram.

Covers the demonstration of the first issue, R12 (trust file from outside the bundle), L08 (one byte changed).
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

SHIPPED = Path(__file__).parents[2] / "api" / "demo" / "issuances.csv"
COMPUTED = "none"

# Rows of a registry that does not exist, with names, scripts and faults that real files have.
FOREIGN = Path(__file__).with_name("foreign.csv")

EXPECTED = [
    "verified", "verified", "overlap", "verified", "period_reversed", "missing_period", "no_verifier",
    "not_independent", "unknown_country", "bad_quantity", "period_too_long", "period_not_ended", "verified",
]  # fmt: skip


def demo(directory: Path, source: Path) -> dict[str, Any]:
    """One run of the real command."""
    command = [sys.executable, "-m", "api.cli.main", "demo", "--data", directory, "--input", source, "--json"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def grams(tonnes: str) -> int:
    """Whole grams of a decimal of tonnes, cut: the independent arithmetic."""
    return int(Decimal(tonnes) * 1_000_000)


def independent_sums(source: Path, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Grams by registry over the rows that were reported verified, from the file itself."""
    verified = {row["line"] for row in rows if row["outcome"] == "verified"}
    sums: dict[str, int] = {}
    with source.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), start=2):
            if line in verified:
                sums[row["registry"]] = sums.get(row["registry"], 0) + grams(row["quantity_tco2e"])
    return sums


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return demo(tmp_path_factory.mktemp("demo") / "one", SHIPPED)


def test_totals_are_an_independent_sum_to_the_gram(shipped: dict[str, Any]) -> None:
    by_registry = dict(shipped["totals"]["by"]["registry"])
    assert by_registry.pop(COMPUTED) > 0
    assert by_registry == independent_sums(SHIPPED, shipped["rows"])
    assert len(shipped["rows"]) == 211
    assert shipped["outcomes"]["verified"] >= 190


def test_it_ends_with_a_valid_certificate_a_passed_audit_and_a_caught_tampering(shipped: dict[str, Any]) -> None:
    assert (shipped["certificate"]["exit"], shipped["audit"]["exit"], shipped["tampered"]["exit"]) == (0, 0, 1)
    directory = Path(shipped["directory"])
    fsck = subprocess.run([sys.executable, "-m", "api.cli.main", "fsck", "--data", directory, "--json"], check=False)
    assert fsck.returncode == 0, "a ledger that holds a certificate follows from its own entries"
    names = {path.name for path in directory.iterdir()}
    assert {"ledger.db", "export", "trust.json", "certificates", "receipts", "keys"} <= names
    command = [
        sys.executable,
        "-m",
        "verifier.cli",
        "audit",
        directory / "tampered",
        "--trust",
        directory / "trust.json",
    ]
    tampered = subprocess.run([*map(str, command), "--json"], capture_output=True, check=False)
    assert json.loads(tampered.stdout)["findings"][0]["index"] == shipped["tampered"]["index"]


def test_a_second_run_gives_the_same_totals(shipped: dict[str, Any], tmp_path: Path) -> None:
    again = demo(tmp_path / "two", SHIPPED)
    assert again["totals"]["by"] == shipped["totals"]["by"]
    assert again["outcomes"] == shipped["outcomes"]


def test_any_other_file_of_that_shape_works(tmp_path: Path) -> None:
    found = demo(tmp_path / "out", FOREIGN)
    assert [row["outcome"] for row in found["rows"]] == EXPECTED
    by_registry = dict(found["totals"]["by"]["registry"])
    by_registry.pop(COMPUTED)
    assert by_registry == independent_sums(FOREIGN, found["rows"])
    assert found["audit"]["exit"] == 0


@pytest.mark.parametrize("raw", [b"", b"a,b\n1,2\n", b"\xff\xfe", b'registry,"x\n'])
def test_a_file_that_is_none_is_refused_plainly(tmp_path: Path, raw: bytes) -> None:
    source = tmp_path / "bad.csv"
    source.write_bytes(raw)
    command = [sys.executable, "-m", "api.cli.main", "demo", "--data", tmp_path / "out", "--input", source]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "error" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
