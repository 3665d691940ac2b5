"""Evidence bytes by digest, beside the log and never inside it.

Source: RULES 2, DESIGN 4.4.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from ledger.core.strict import hex_bytes
from ledger.errors import Malformed, Unavailable

EVIDENCE_BYTES_MAX = 64 * 1024 * 1024


class EvidenceStore:
    """A folder of files named by the SHA-256 of their bytes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, raw: bytes) -> str:
        """Keep bytes once; gives their digest.

        Raises: Malformed `evidence_too_large`.
        """
        if len(raw) > EVIDENCE_BYTES_MAX:
            raise Malformed("evidence_too_large", f"{len(raw)} bytes, at most {EVIDENCE_BYTES_MAX} are kept")
        digest = hashlib.sha256(raw).hexdigest()
        path = self._directory / digest
        if not path.exists():
            self._directory.mkdir(mode=0o700, exist_ok=True)
            temporary = path.with_name(f"{digest}.{os.getpid()}.new")
            temporary.write_bytes(raw)
            temporary.replace(path)
        return digest

    def open(self, digest: str) -> BinaryIO | None:
        """The file of a digest, to be read in parts and checked by the reader; None where it is missing.

        Raises: Malformed `bad_hex`; Unavailable `file_unusable`.
        """
        hex_bytes(digest, size=32)
        try:
            return (self._directory / digest).open("rb")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unavailable("file_unusable", f"evidence {digest}: {error.strerror}", digest=digest) from None

    def get(self, digest: str) -> bytes | None:
        """The bytes of a digest; None where they are missing, which is a finding and no silence.

        Raises: Malformed `bad_hex`; Unavailable `evidence_damaged`.
        """
        hex_bytes(digest, size=32)
        try:
            raw = (self._directory / digest).read_bytes()
        except FileNotFoundError:
            return None
        if hashlib.sha256(raw).hexdigest() != digest:
            raise Unavailable("evidence_damaged", f"the bytes kept as {digest} have another digest", digest=digest)
        return raw
