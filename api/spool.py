"""Bytes that one side makes faster than the other takes them: a queue in memory that grows into a temporary file."""

from __future__ import annotations

import asyncio
from tempfile import SpooledTemporaryFile

IN_MEMORY_BYTES_MAX = 1024 * 1024


class Spool:
    """A queue of bytes for one event loop, of bounded size: who puts more waits until all of it was taken."""

    def __init__(self, *, bytes_max: int) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES_MAX)  # noqa: SIM115 - closed by `close`
        self._bytes_max = bytes_max
        self._written = self._taken = 0
        self._ended = False
        self._changed = asyncio.Condition()

    async def put(self, raw: bytes) -> None:
        """Add bytes at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._written + len(raw) <= self._bytes_max or not self._written)
            self._file.seek(self._written)
            self._written += self._file.write(raw)
            self._changed.notify_all()

    async def end(self) -> None:
        """Nothing more will come."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def take(self, limit: int) -> bytes:
        """Some bytes, as soon as there are any; none when all were taken and nothing more will come."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._taken < self._written or self._ended)
            self._file.seek(self._taken)
            raw = self._file.read(min(limit, self._written - self._taken))
            self._taken += len(raw)
            if self._taken == self._written:  # the file begins anew, so it holds only what nobody took yet
                self._written = self._taken = 0
                self._file.seek(0)
                self._file.truncate()
                self._changed.notify_all()
            return raw

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
