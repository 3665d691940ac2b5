"""The highest (size, root) that the log key ever signed, kept outside the database.

A database that is rolled back, replaced or forked cannot then be signed for:
the signer remembers. Replaced by fsync and rename, so that it is never torn.
Where several machines sign in turns, each has a memory of its own, and takes
into it what it saw the others sign.

Source: DESIGN 5; THREATS R5, R20, M9, T7, T23.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from ledger.core.hashing import EMPTY_ROOT
from ledger.core.strict import hex_bytes
from ledger.errors import Forked, LedgerError, Unavailable


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was signed last."""

    origin: str
    size: int
    root: str


class SignerState:
    """The signer's memory in `signer.json`, and the lock that makes writers take turns."""

    def __init__(self, directory: Path, *, origin: str) -> None:
        self._path = directory / "signer.json"
        self._lock_path = directory / "writer.lock"
        self.origin = origin

    @contextmanager
    def locked(self, *, wait: bool = True) -> Iterator[bool]:
        """Hold this memory alone among the processes of this machine; false where it is taken and not waited for."""
        descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            held = True
        except BlockingIOError:
            held = False
        try:
            yield held
        finally:
            os.close(descriptor)

    def read(self) -> Mark:
        """The mark; that of the empty log before anything was signed.

        Raises: Unavailable `signer_state_unreadable`, `other_log`.
        """
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return Mark(self.origin, 0, EMPTY_ROOT.hex())
        try:
            mark = msgspec.json.decode(raw, type=Mark)
            hex_bytes(mark.root, size=32)
        except (msgspec.MsgspecError, LedgerError, UnicodeError) as error:
            raise Unavailable("signer_state_unreadable", f"{self._path}: {error}", path=str(self._path)) from None
        if mark.origin != self.origin:
            raise Unavailable(
                "other_log", f"{self._path} is of {mark.origin}, not of {self.origin}", origin=mark.origin
            )
        return mark

    def advance(self, *, size: int, root: bytes) -> None:
        """Remember what is about to be signed, durably, before it is signed.

        Raises: Unavailable `database_rolled_back` below the mark; Forked `signer_fork` for another root of its size.
        """
        mark = self.read()
        if size < mark.size:
            raise Unavailable(
                "database_rolled_back",
                f"size {size} is below {mark.size}, which was signed",
                size=size,
                signed=mark.size,
            )
        if size == mark.size and root.hex() != mark.root:
            raise Forked("signer_fork", f"size {size} was signed with another root", size=size, signed=mark.root)
        raw = msgspec.json.encode(Mark(self.origin, size, root.hex()))
        write_durably(self._path, raw)


def write_durably(path: Path, raw: bytes) -> None:
    """Replace a file so that a crash leaves the old bytes or the new ones."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        if os.write(descriptor, raw) != len(raw):
            raise OSError(errno.ENOSPC, "only a part could be written", str(temporary))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
