"""A real `gigaton serve` on a free port of loopback, in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from api.service_keys import new_service_keys
from keys.generate import IssuedSeal, issue_seal
from keys.keyfile import KeyRing, StoredKey, write_ring
from tests.cast import key_of
from tests.http.varied import Kept
from tests.ledgers import found
from tests.world import World

ROOT = Path(__file__).parents[2]
LISTENERS: dict[int, threading.Thread] = {}


@dataclass
class Served:
    """A running server, the directory it serves, and the world that signs for it."""

    url: str
    directory: Path
    world: World
    process: subprocess.Popen[str]

    @property
    def listener(self) -> threading.Thread:
        """Who keeps what the server says; ends after it."""
        return LISTENERS[self.process.pid]

    @property
    def said(self) -> Path:
        """What the server wrote to standard error, whole when it has ended."""
        return said_beside(self.directory)

    def client(self) -> httpx.Client:
        # Without TLS there is nothing to verify, and reading the CA file for each client costs more than a test.
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, verify=False)


def found_with_keys(directory: Path, *, passphrase: str = "open") -> World:
    """A founded ledger whose log key lies in a key file, as an operator's does."""
    world = World()
    found(directory, world).close()
    keep_log_key(directory, passphrase=passphrase)
    return world


def keep_log_key(directory: Path, *others: StoredKey, passphrase: str = "open") -> None:
    """Put the log key of the small world into a key file, with other keys, its passphrase beside it."""
    (directory / "keys").mkdir(mode=0o700)
    private = Ed25519PrivateKey.from_private_bytes(bytes(key_of("log")))
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    log = StoredKey("log", "", (), "ed25519", pem)
    own = new_service_keys(World().party_id("operator"))
    write_ring(directory / "keys" / "log.age", KeyRing((log, *own, *others)), passphrase)
    (directory / "keys" / "passphrase.txt").write_text(f"{passphrase}\n")
    (directory / "keys" / "passphrase.txt").chmod(0o600)


def said_beside(directory: Path) -> Path:
    """Where the words of a directory's server go."""
    return directory.with_name(directory.name + ".said")


def listen(stream: IO[str], said: Path) -> threading.Thread:
    """Keep what a server says as it says it: a pipe that nobody empties would stop it."""

    def keep() -> None:
        with stream, said.open("a", encoding="utf-8") as file:
            for line in stream:
                file.write(line)
                file.flush()

    thread = threading.Thread(target=keep, daemon=True)
    thread.start()
    return thread


def start(directory: Path, *options: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
    """Start a server, without limits unless the options say otherwise; gives its address once it listens."""
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0", "--data", str(directory)]
    command += ["--limit", "off", *options]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **environment}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=settings)
    assert process.stderr is not None
    for line in process.stderr:
        with said_beside(directory).open("a", encoding="utf-8") as file:
            file.write(line)
        match = re.search(r"serving (http://\S+)", line)
        if match:
            stream, process.stderr = process.stderr, None  # `communicate` then waits for the end alone
            LISTENERS[process.pid] = listen(stream, said_beside(directory))
            return process, match[1]
    raise AssertionError("the server ended before it listened")


def stop(process: subprocess.Popen[str]) -> None:
    """Stop a server in order."""
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def wait_for(holds: Callable[[], bool], *, seconds: int = 120) -> None:
    """Until something holds; shared machines are slow at odd moments."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def wait_until_ready(served: Served) -> None:
    """Several processes listen before the first of them answers."""

    def ready() -> bool:
        with suppress(httpx.TransportError), served.client() as client:
            return client.get("/readyz").status_code == 200
        return False

    wait_for(ready)


@contextmanager
def serving(directory: Path, world: World) -> Iterator[Served]:
    """A server of a directory, which ends well when it is told to."""
    process, url = start(directory)
    try:
        yield Served(url, directory, world, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory = tmp_path_factory.mktemp("served") / "log"
    with serving(directory, found_with_keys(directory)) as one:
        yield one


@dataclass
class Varied:
    """A server on the varied log, what brute force knows of that log, and the seal that its operator holds."""

    served: Served
    kept: Kept
    seal: IssuedSeal

    def client(self) -> httpx.Client:
        return self.served.client()


@pytest.fixture(scope="session")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Varied]:
    """Only read: every test that uses it may count on the log as it is."""
    directory = tmp_path_factory.mktemp("varied") / "log"
    kept, seal = Kept(directory), issue_seal(name="seal", common_name="Test programme")
    keep_log_key(directory, seal.stored)
    (directory / "keys" / "seal.pem").write_text(seal.certificate)
    with kept.ledger, serving(directory, kept.scene.world) as served:
        yield Varied(served, kept, seal)
