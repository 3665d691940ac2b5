"""What a client believes of a server: what follows from the log key it trusts, and never less than it saw before.

Every checkpoint that the server shows must be signed by that key, reach at
least as far as what was known when the question was asked, and be proven, by
tiles fetched from the same server, to be one history with the largest that is
remembered. The memory is `pins.json`, which `gigaton-verify audit --pins`
reads and writes, too.

Source: DESIGN 4.3, 4.4; THREATS R6, R11, R12.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from keys.trust import Trust
from ledger.core.check import check_consistency, check_inclusion
from ledger.core.checkpoint import VerifiedCheckpoint, open_checkpoint
from ledger.core.entry import Entry, decode_entry
from ledger.core.hashing import HASH_BYTES, leaf_hash
from ledger.core.merkle import root_at
from ledger.core.note import NOTE_BYTES_MAX
from ledger.core.prove import prove_consistency, prove_inclusion
from ledger.core.tiles import TILE_WIDTH, Tile, TileReader, bundle_path, decode_bundle, split_hashes
from ledger.errors import BadProof, Forked, LedgerError, Malformed, Unproven, Unreadable
from ledger.service.answers import Proof
from verifier.bundle import BUNDLE_BYTES_MAX, TILE_BYTES_MAX
from verifier.pins import Pin, read_pins, write_pin

TILES_KEPT_MAX = 256

# Bytes of a path below /log/, of at most so many bytes.
Fetch = Callable[[str, int], bytes]


class Memory(Protocol):
    """Where the largest checkpoint that was proven is remembered."""

    def last(self) -> bytes | None:
        """The checkpoint."""

    def keep(self, head: VerifiedCheckpoint) -> None:
        """Remember it, unless a larger one is remembered."""


class NoMemory:
    """Remembers nothing beyond the life of the client."""

    def last(self) -> bytes | None:
        """Nothing."""
        return None

    def keep(self, head: VerifiedCheckpoint) -> None:
        """Nothing is kept."""


class PinsFile:
    """Remembers in a `pins.json`, which several processes may share."""

    def __init__(self, path: Path, trust: Trust) -> None:
        self._path = path
        self._name = f"{trust.origin}#{trust.genesis}"

    def last(self) -> bytes | None:
        """The pinned checkpoint.

        Raises: Unreadable with the codes of `read_pins`.
        """
        pin = read_pins(self._path).logs.get(self._name)
        return None if pin is None else pin.checkpoint.encode()

    def keep(self, head: VerifiedCheckpoint) -> None:
        """Pin it, unless a larger one is pinned.

        Raises: Unreadable `unreadable_file`, `bad_pins_file`.
        """
        try:
            lock = os.open(self._path.with_name(self._path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unreadable("unreadable_file", f"{self._path}: {error.strerror}", path=str(self._path)) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            pin = read_pins(self._path).logs.get(self._name)
            if pin is None or pin.size < head.size:
                write_pin(self._path, self._name, Pin(head.size, head.root.hex(), head.raw.decode()))
        finally:
            os.close(lock)


class _Head(NamedTuple):
    """A root that was computed, beside its size."""

    size: int
    root: bytes


class Prover:
    """The log of one server, as far as it is proven. Threads may share it."""

    def __init__(self, fetch: Fetch, trust: Trust, memory: Memory) -> None:
        """Raises: Unreadable `bad_pins_file` and the codes of `Memory.last`."""
        self._fetch = fetch
        self._trust = trust
        self._memory = memory
        self._lock = threading.RLock()
        self._tiles: dict[Tile, bytes] = {}
        self._seen: VerifiedCheckpoint | None = None
        kept = memory.last()
        if kept is not None:
            try:
                self._seen = self._open(kept)
            except LedgerError as error:
                raise Unreadable("bad_pins_file", f"the pinned checkpoint does not hold: {error.message}") from None

    @property
    def seen(self) -> VerifiedCheckpoint | None:
        """The largest checkpoint that was proven."""
        return self._seen

    def _open(self, raw: bytes) -> VerifiedCheckpoint:
        trust = self._trust
        return open_checkpoint(raw, log=trust.log_vkey, origin=trust.origin, witnesses=trust.witness_vkeys)

    def head(self) -> VerifiedCheckpoint:
        """The server's checkpoint of this moment, proven.

        Raises: as `accept`.
        """
        floor = self._seen
        return self.accept(self._fetch("checkpoint", NOTE_BYTES_MAX), floor=floor)

    def accept(self, raw: bytes, *, floor: VerifiedCheckpoint | None) -> VerifiedCheckpoint:
        """A checkpoint that the server shows; `floor` is what was known when it was asked.

        Raises: the codes of `open_checkpoint`; Forked `rolled_back`, `forked` with both checkpoints; Unproven
            `tile_differs`, `other_genesis`; what fetching raises.
        """
        head = self._open(raw)
        if floor is not None and head.size < floor.size:
            raise _fork("rolled_back", f"the log had {floor.size} entries, now it shows {head.size}", floor, head)
        # One at a time: two heads that each extend a third may still be a fork of one another.
        with self._lock:
            if self._seen is None:
                self._require_genesis(head)
            elif head.raw != self._seen.raw:
                self._require_one_history(*sorted((self._seen, head), key=lambda one: one.size))
            if self._seen is None or head.size > self._seen.size:
                self._memory.keep(head)
                self._seen = head
        return head

    def _require_genesis(self, head: VerifiedCheckpoint) -> None:
        if head.size == 0:
            raise Unproven("empty_log", "the log has no entry yet")
        first = self._bundle(0, head)[0]
        if leaf_hash(first).hex() != self._trust.genesis:
            raise Unproven("other_genesis", "the first entry of this log is not the one that is trusted")
        self.require_leaf(0, first, head)

    def _require_one_history(self, old: VerifiedCheckpoint, new: VerifiedCheckpoint) -> None:
        """Walk the tiles of the larger tree: they must lead to its root, and so give the true root of the smaller."""
        at_old = old.root if old.size == 0 else new.root
        if 0 < old.size < new.size:
            reader = self._reader(new.size)
            at_old = root_at(old.size, reader)
            path = prove_consistency(old_size=old.size, new_size=new.size, reader=reader)
            with self._judging_tiles():
                check_consistency(old=_Head(old.size, at_old), new=new, path=path)
        if at_old != old.root:
            self._tiles.clear()  # they are those of the other history
            raise _fork("forked", f"the log has two histories: sizes {old.size} and {new.size}", old, new)

    def prove(self, proof: Proof, *, floor: VerifiedCheckpoint | None) -> tuple[Entry, VerifiedCheckpoint]:
        """An entry with its receipt: under a checkpoint that is accepted, at the index that both say.

        Raises: as `accept`; BadProof; Malformed `bad_range`, `bad_path`, `bad_entry`; Unproven `wrong_index`.
        """
        # The path first: what it does not lead to must not become what is remembered.
        shown = self._open(proof.receipt.checkpoint)
        check_inclusion(index=proof.receipt.index, leaf=leaf_hash(proof.entry), path=proof.receipt.path, head=shown)
        head = self.accept(proof.receipt.checkpoint, floor=floor)
        entry = decode_entry(proof.entry)
        if not proof.index == proof.receipt.index == entry.index:
            places = f"{proof.index} was asked for, the proof is of {proof.receipt.index}, the entry of {entry.index}"
            raise Unproven("wrong_index", places, index=proof.index)
        return entry, head

    def entries(self, number: int, head: VerifiedCheckpoint) -> list[bytes]:
        """The entries of a bundle as far as a proven head reaches, each one proven.

        Raises: Unproven `tile_differs`; Malformed `bad_bundle`, `bad_tile`; BadProof; what fetching raises.
        """
        raws = self._bundle(number, head)
        tile = Tile(0, number, len(raws))
        hashes = split_hashes(self._fetch_tiles([tile])[0], width=tile.width)
        if hashes != [leaf_hash(raw) for raw in raws]:
            raise Unproven("tile_differs", f"{bundle_path(number, len(raws))} is not what its tile says", bundle=number)
        # The path of one leaf runs over every other hash of its tile, so it proves them all.
        self.require_leaf(number * TILE_WIDTH, raws[0], head)
        return raws

    def require_leaf(self, index: int, raw: bytes, head: VerifiedCheckpoint) -> None:
        """That an entry stands at an index under a proven head, by the published tiles.

        Raises: Unproven `tile_differs`; Malformed `bad_tile`, `bad_range`; what fetching raises.
        """
        path = prove_inclusion(index=index, size=head.size, reader=self._reader(head.size))
        with self._judging_tiles():
            check_inclusion(index=index, leaf=leaf_hash(raw), path=path, head=head)

    @contextmanager
    def _judging_tiles(self) -> Iterator[None]:
        """A check whose failure means that tiles do not lead to the signed root: they are fetched anew next time."""
        try:
            yield
        except BadProof as error:
            self._tiles.clear()
            message = f"the tiles do not lead to the signed root: {error.message}"
            raise Unproven("tile_differs", message, **error.facts) from None

    def _bundle(self, number: int, head: VerifiedCheckpoint) -> list[bytes]:
        width = min(TILE_WIDTH, head.size - number * TILE_WIDTH)
        return decode_bundle(self._fetch(bundle_path(number, width), BUNDLE_BYTES_MAX), width=width)

    def _reader(self, size: int) -> TileReader:
        return TileReader(self._fetch_tiles, size)

    def _fetch_tiles(self, tiles: Sequence[Tile]) -> list[bytes]:
        return [self._tile(tile) for tile in tiles]

    def _tile(self, tile: Tile) -> bytes:
        kept = self._tiles.get(tile)
        if kept is not None:
            return kept
        raw = self._fetch(tile.path, TILE_BYTES_MAX)
        if len(raw) != tile.width * HASH_BYTES:
            raise Malformed("bad_tile", f"{tile.path} has {len(raw)} bytes, not {tile.width * HASH_BYTES}")
        with self._lock:
            while len(self._tiles) >= TILES_KEPT_MAX:
                self._tiles.pop(next(iter(self._tiles)))
            self._tiles[tile] = raw
        return raw


def _fork(code: str, message: str, old: VerifiedCheckpoint, new: VerifiedCheckpoint) -> Forked:
    """The evidence is in the facts: two notes signed by one key, which anybody can check."""
    return Forked(code, message, seen=old.raw.decode(), shown=new.raw.decode())
