"""A process that has just started may be asked by many threads at once.

The first statements that a server reads, read at one moment, must not end it.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

from tests.world import World

ROOT = Path(__file__).parents[2]
STARTS = 8
# Threads change places as often as they can, so that each is met in the middle of whatever it does first.
READ_AT_ONCE = """
import sys, threading, pickle
sys.setswitchinterval(1e-6)
from ledger.core.jws import open_jws
from ledger.domain.statements import read_statement
statements = pickle.load(sys.stdin.buffer)
together = threading.Barrier(len(statements))
read = []
def one(raw):
    together.wait()
    read.append(read_statement(open_jws(raw)))
threads = [threading.Thread(target=one, args=(raw,)) for raw in statements]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
sys.exit(0 if len(read) == len(statements) else 7)
"""


def test_statements_of_every_kind_are_read_by_many_threads_of_a_new_process() -> None:
    world = World()
    given = pickle.dumps([*world.founding(), *(world.claim() for _ in range(4))])
    command = [sys.executable, "-c", READ_AT_ONCE]
    ends = [subprocess.run(command, input=given, cwd=ROOT, check=False).returncode for _ in range(STARTS)]
    assert ends == [0] * STARTS
