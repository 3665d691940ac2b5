"""Bulks are checked in processes of their own: same verdicts, and no process outlives the writer.

Source: DESIGN 5, 10.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ledger.errors import LedgerError
from ledger.sequencer.checking import BULK_STATEMENTS_MIN, Checked, Checkers, Verdict
from tests.world import World


@pytest.fixture(scope="module")
def bulk() -> list[bytes]:
    """Good statements, one with a broken signature, and bytes that are no statement."""
    good = World().founding()
    flipped = good[1][:-2] + (b"A" if good[1][-2:-1] != b"A" else b"B") + good[1][-1:]
    some = [*good, flipped, b"", b"a.b.c"]
    return (some * (BULK_STATEMENTS_MIN // len(some) + 1))[: BULK_STATEMENTS_MIN + 7]


def told(verdicts: list[Verdict]) -> list[object]:
    """What a verdict says, in a form that compares."""
    return [
        (one.raw, one.digest, one.statement) if isinstance(one, Checked) else (type(one), one.code, one.facts)
        for one in verdicts
    ]


def test_a_bulk_is_judged_like_its_statements_alone(bulk: list[bytes]) -> None:
    checkers = Checkers()
    try:
        alone = [verdict for raw in bulk for verdict in checkers.start([raw])()]
        together = checkers.start(bulk)()
    finally:
        checkers.close()
    assert told(together) == told(alone)
    assert {one.code for one in alone if isinstance(one, LedgerError)} == {"bad_signature", "bad_jws"}


def test_killed_processes_cost_no_verdict(bulk: list[bytes]) -> None:
    checkers = Checkers()
    try:
        expected = told(checkers.start(bulk)())
        pool = checkers._pool
        assert pool is not None
        for pid in list(pool._processes):
            os.kill(pid, signal.SIGKILL)
        assert told(checkers.start(bulk)()) == expected
        assert told(checkers.start(bulk)()) == expected
    finally:
        checkers.close()


def test_no_process_outlives_a_killed_writer(tmp_path: Path) -> None:
    program = tmp_path / "writer.py"
    program.write_text(
        textwrap.dedent(
            """
            import os, signal
            from ledger.sequencer.checking import BULK_STATEMENTS_MIN, Checkers

            if __name__ == "__main__":
                checkers = Checkers()
                checkers.start([b"x"] * BULK_STATEMENTS_MIN)()
                print(*checkers._pool._processes, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
            """
        )
    )
    # The processes inherit the pipe: it ends, and this call returns, when the last of them has ended.
    done = subprocess.run([sys.executable, program], stdout=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, len(done.stdout.split())) == (-signal.SIGKILL, max(1, (os.cpu_count() or 1) - 1))
