"""A log written without a server: entries folded in memory, published as files. For tests of the auditor.

`force` writes an entry that the rule book refuses, as a dishonest operator would: chain, tree and signature are right.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from keys.trust import Trust
from ledger.core.checkpoint import Checkpoint, cosignature_message, sign_checkpoint
from ledger.core.entry import NO_PREVIOUS, Entry, encode_entry
from ledger.core.hashing import leaf_hash
from ledger.core.jws import open_jws
from ledger.core.note import Vkey
from ledger.core.strict import to_base64
from ledger.core.tiles import TILE_WIDTH, TreeBuilder, bundle_path, bundles_of, encode_bundle, tiles_of
from ledger.domain.memory import MemoryState
from ledger.domain.rules import decide
from ledger.domain.statements import read_statement
from ledger.domain.view import Position
from tests.cast import key_of, public, sign_with
from tests.world import START_MS, World, reference_to


class LogWriter:
    """A growing log of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = MemoryState(root=self._root)
        self.entries: list[bytes] = []
        self.leaves: list[bytes] = []
        self.recorded_at_ms = START_MS

    def _root(self, size: int) -> bytes:
        builder = TreeBuilder()
        builder.extend(self.leaves[:size])
        return builder.root()

    def add(self, statement: bytes, *, force: bool = False) -> bytes:
        """Append a statement; gives the entry's bytes. Raises Refused unless forced."""
        index = len(self.entries)
        previous = self.leaves[-1] if self.leaves else NO_PREVIOUS
        entry = encode_entry(Entry(index, previous, self.recorded_at_ms, statement))
        leaf = leaf_hash(entry)
        if not force:
            position = Position(index, self.recorded_at_ms, leaf.hex())
            self.state.apply(decide(self.state, position, read_statement(open_jws(statement))))
        self.entries.append(entry)
        self.leaves.append(leaf)
        return entry

    def add_all(self, statements: Iterable[bytes]) -> None:
        """Append statements in their order."""
        for statement in statements:
            self.add(statement)

    def trust(self, *, accreditors: bool = True, witnesses: tuple[str, ...] = (), quorum: int = 0) -> Trust:
        """What an auditor of this log would hold."""
        named = {self.world.party_id("accreditor"): (public("accreditor:accreditor"),)} if accreditors else {}
        return Trust.build(
            programme=self.world.programme_subject(),
            genesis=self.leaves[0].hex(),
            accreditors=named,
            witnesses=witnesses,
            quorum=quorum,
        )

    def checkpoint(self, size: int | None = None) -> bytes:
        """The signed checkpoint of the log, or of an earlier size."""
        count = len(self.leaves) if size is None else size
        return sign_checkpoint(
            Checkpoint(self.world.origin, count, self._root(count)), vkey=self.world.log_vkey, sign=sign_with("log")
        )

    def publish(self, folder: Path) -> Path:
        """Write the log as static files."""
        publish_files(folder, entries=self.entries, leaves=self.leaves, checkpoint=self.checkpoint())
        return folder


def publish_files(folder: Path, *, entries: list[bytes], leaves: list[bytes], checkpoint: bytes) -> None:
    """Tiles and bundles of these entries, under a checkpoint."""
    size = len(entries)
    builder = TreeBuilder()
    hashes = {(one.tile.level, one.tile.index): one.hashes for one in builder.extend(leaves)}
    for tile in tiles_of(size):
        write(folder / tile.path, hashes[(tile.level, tile.index)])
    for index, width in bundles_of(size):
        first = index * TILE_WIDTH
        write(folder / bundle_path(index, width), encode_bundle(entries[first : first + width]))
    write(folder / "checkpoint", checkpoint)


def write(path: Path, raw: bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)


def cosign(checkpoint: bytes, *, witness: str, timestamp_s: int) -> tuple[bytes, str]:
    """A checkpoint with one more cosignature, and the witness's vkey."""
    text = checkpoint.decode().partition("\n\n")[0] + "\n"
    vkey = Vkey.make(f"witness.example/{witness}", bytes(key_of(witness).verify_key), algorithm=0x04)
    signature = sign_with(witness)(cosignature_message(timestamp_s, text))
    line = to_base64(vkey.key_id + timestamp_s.to_bytes(8, "big") + signature)
    return checkpoint + f"\N{EM DASH} {vkey.name} {line}\n".encode(), str(vkey)


def small_log(**policy: object) -> LogWriter:
    """A founded log with two claims, one of them attested: 14 entries and one attestation."""
    writer = LogWriter(World(**policy))
    writer.add_all(writer.world.founding())
    claim = writer.add(writer.world.claim("carrier"))
    writer.add(writer.world.claim("plant"))
    writer.add(writer.world.attest(reference_to(claim), "499000.000"))
    return writer
