"""Evidence bytes by digest, beside the log and never inside it.

A file is found under its digest only after all its bytes were counted, hashed
and made durable under another name: a rename, so that two uploads of one
digest, or a crash, never leave a half of it. What is read is hashed again
before the first byte is handed on.

Source: RULES 2, DESIGN 4.4; THREATS H05.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ledger.errors import Malformed, Unavailable

EVIDENCE_BYTES_MAX = 64 * 1024 * 1024
CHUNK_BYTES = 256 * 1024
# Uploads under way in this process, each of which may hold a file of the largest size.
UPLOADS_MAX = 64
UPLOADS_OF_ONE_MAX = 8
# A file that is still on its way in after so long was left by a crash.
STALE_AFTER_S = 6 * 3600

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_INCOMING = ".incoming"


class Upload:
    """Bytes on their way in: counted, hashed, and gone unless they are kept."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        incoming = directory / _INCOMING
        if not incoming.exists():
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            incoming.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(directory.parent)
        descriptor, name = tempfile.mkstemp(dir=incoming)
        self._path = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        _sweep(incoming, before_ns=os.fstat(descriptor).st_mtime_ns - STALE_AFTER_S * 1_000_000_000)
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        """SHA-256 of what came so far, in hex."""
        return self._hash.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Take some more.

        Raises: Malformed `evidence_too_large`; Unavailable `storage_failed`.
        """
        self.size += len(chunk)
        if self.size > EVIDENCE_BYTES_MAX:
            raise Malformed(
                "evidence_too_large",
                f"more than the {EVIDENCE_BYTES_MAX} bytes that are kept",
                limit=EVIDENCE_BYTES_MAX,
            )
        self._hash.update(chunk)
        with _told():
            self._file.write(chunk)

    def flush(self) -> None:
        """Make the bytes durable, still under a name that nobody looks for.

        Raises: Unavailable `storage_failed`.
        """
        with _told():
            self._file.flush()
            os.fsync(self._file.fileno())

    def keep(self) -> None:
        """Let the bytes be found under their digest; bytes that were damaged there are replaced.

        Raises: Unavailable `storage_failed`.
        """
        self.flush()
        with _told():
            self._path.replace(self._directory / self.digest)
            _sync_folder(self._directory)

    def drop(self) -> None:
        """Remove what was not kept."""
        self._file.close()
        with suppress(FileNotFoundError):
            self._path.unlink()


class EvidenceStore:
    """A folder of files named by the SHA-256 of their bytes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def receiving(self, owner: str = "") -> Iterator[Upload]:
        """An upload of somebody's, which leaves nothing behind if it is not kept.

        Raises: Unavailable `busy` when too many are under way, `storage_failed`.
        """
        with self._place(owner):
            with _told():
                upload = Upload(self._directory)
            try:
                yield upload
            finally:
                with _told():
                    upload.drop()

    def put(self, raw: bytes) -> str:
        """Keep bytes; gives their digest.

        Raises: Malformed `evidence_too_large`; Unavailable `storage_failed`.
        """
        with self.receiving() as upload:
            upload.write(raw)
            upload.keep()
            return upload.digest

    def open(self, digest: str) -> BinaryIO | None:
        """The file of a digest, at its beginning and all of it found to be right; None where it is missing.

        Raises: Malformed `bad_hex`; Unavailable `evidence_damaged`, `storage_failed`.
        """
        if not _DIGEST.match(digest):
            raise Malformed("bad_hex", f"{digest[:80]!a} is not 64 lower-case hex digits")
        with _told():
            try:
                file = (self._directory / digest).open("rb")
            except FileNotFoundError:
                return None
        try:
            with _told():
                found = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
            if found != digest:
                raise Unavailable("evidence_damaged", f"the bytes kept as {digest} have another digest", digest=digest)
        except BaseException:
            file.close()
            raise
        return file

    def get(self, digest: str) -> bytes | None:
        """The bytes of a digest; None where they are missing, which is a finding and no silence.

        Raises: the codes of `open`.
        """
        file = self.open(digest)
        if file is None:
            return None
        with file, _told():
            return file.read()

    @contextmanager
    def _place(self, owner: str) -> Iterator[None]:
        with self._lock:
            if self._under_way.total() >= UPLOADS_MAX or self._under_way[owner] >= UPLOADS_OF_ONE_MAX:
                raise Unavailable("busy", "too many uploads are under way")
            self._under_way[owner] += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way[owner] -= 1
                if not self._under_way[owner]:
                    del self._under_way[owner]


def pieces(file: BinaryIO) -> Iterator[bytes]:
    """A file in pieces, closed at its end."""
    with file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


@contextmanager
def _told() -> Iterator[None]:
    """Raises: Unavailable `storage_failed` for what the disk refuses."""
    try:
        yield
    except OSError as error:
        raise Unavailable("storage_failed", f"the disk refused: {error.strerror}") from None


def _sweep(incoming: Path, *, before_ns: int) -> None:
    """Remove what a crash left."""
    for path in incoming.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime_ns < before_ns:
                path.unlink()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
