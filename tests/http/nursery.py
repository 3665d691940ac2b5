"""Many `gigaton serve` processes in little time: everything is imported once, each server is forked off.

Run as a program it reads "DIR PORT" from standard input and answers with the number of a process, which runs the
command itself. Only the key files were opened before the fork: that is slow on purpose, and not what is tested here.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
START_S_MAX = 30


class Machine:
    """A directory that is served at a port, by one process at a time."""

    def __init__(self, nursery: Nursery, directory: Path, port: int) -> None:
        self.directory, self.port, self._nursery = directory, port, nursery
        self.url = f"http://127.0.0.1:{port}"
        self.pid = 0

    def start(self) -> None:
        """Start to serve; does not wait for it."""
        self.pid = self._nursery.fork(self.directory, self.port)

    def kill(self) -> None:
        """kill -9; comes back when the process has gone."""
        self._nursery.kill(self.pid)

    def wait(self, path: str = "/readyz", *, within_s: float = START_S_MAX) -> float:
        """Wait until it answers 200 there; gives how long it took."""
        began = time.monotonic()
        while time.monotonic() - began < within_s:
            with contextlib.suppress(httpx.TransportError):  # it does not listen yet
                if httpx.get(self.url + path, timeout=5, trust_env=False).status_code == 200:
                    return time.monotonic() - began
            time.sleep(0.05)
        os.kill(self.pid, signal.SIGUSR1)  # says where its threads are
        time.sleep(0.5)
        raise AssertionError(f"{self.directory.name} does not answer: {self.said()[-9_000:]}")

    def said(self) -> str:
        """What its processes wrote to standard error."""
        return self.directory.with_name(self.directory.name + ".said").read_text()


class Nursery:
    """The process that forks them; they end with it, or are killed."""

    def __init__(self, keys: Path) -> None:
        command = [sys.executable, "-m", "tests.http.nursery", str(keys)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ}
        )
        self._handles: dict[int, int] = {}

    def fork(self, directory: Path, port: int) -> int:
        """A process that serves a directory at a port."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{directory} {port}\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        self._handles[pid] = os.pidfd_open(pid)  # so that no other process of this number is ever meant
        return pid

    def kill(self, pid: int) -> None:
        """kill -9; comes back when the process has gone."""
        handle = self._handles.pop(pid)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        select.select([handle], [], [])
        os.close(handle)

    def close(self) -> None:
        """Kill whatever still serves."""
        self._process.communicate()
        for pid in list(self._handles):
            self.kill(pid)


def main() -> None:
    """Fork a server for each line, until there are no more."""
    from api import wiring
    from api.cli import serving

    rings = wiring.open_rings(Path(sys.argv[1]), "open")
    wiring.open_rings = lambda directory, passphrase: rings
    for preload in ("uvicorn", "uvloop", "httptools", "uvicorn.supervisors", "api.app", "psycopg"):
        __import__(preload)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who has ended leaves nothing behind
    for line in sys.stdin:
        directory, port = line.split()
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            serve(serving, Path(directory), int(port))
        print(child, flush=True)  # noqa: T201 - how it answers


def serve(serving: object, directory: Path, port: int) -> None:
    """Be `gigaton serve` until the end."""
    said = os.open(directory.with_name(directory.name + ".said"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(said, 2)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(0, 1)
    faulthandler.register(signal.SIGUSR1)
    code = 1
    try:
        serving.serve(host="127.0.0.1", port=port, workers=1, data=directory, passphrase_file=None)  # type: ignore[attr-defined]
        code = 0
    except BaseException:  # noqa: BLE001 - it is said, and the process ends
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
