"""The log as it is served: the signed checkpoint, tiles and entry bundles, up to what is signed and no further.

Source: C2SP tlog-tiles (TLOG-SPEC 6).
"""

from __future__ import annotations

from ledger.core.checkpoint import open_checkpoint
from ledger.core.receipt import check_receipt
from ledger.core.tiles import TILE_WIDTH, Tile, encode_bundle, parse_path
from ledger.errors import Malformed, Unavailable
from ledger.service.ledger import Ledger
from ledger.service.submit import prove
from ledger.store import log_store


def checkpoint(ledger: Ledger) -> bytes:
    """The checkpoint that was signed last.

    Raises: Unavailable `nothing_signed`.
    """
    with ledger.reading() as connection:
        head = log_store.read_head(connection)
    if head.checkpoint is None:
        raise Unavailable("nothing_signed", "the log has no signed checkpoint yet")
    return head.checkpoint


def signed_size(ledger: Ledger) -> int:
    """How many entries the checkpoint that was signed last covers."""
    with ledger.reading() as connection:
        return log_store.read_head(connection).checkpoint_size


def tile(ledger: Ledger, path: str) -> bytes:
    """The bytes of a published path, `tile/...`; of a partial one at any width that is signed for.

    Raises: Malformed `bad_tile_path`, `no_tile`; Unavailable `tile_missing`.
    """
    level, index, width = parse_path(path)
    height = 0 if level == "entries" else int(level)
    with ledger.reading() as connection:
        signed = log_store.read_head(connection).checkpoint_size >> (8 * height)
        if index * TILE_WIDTH + width > signed:
            raise Malformed("no_tile", f"the signed log does not reach {path}", signed=signed)
        if level != "entries":
            return log_store.fetch_tiles(connection, [Tile(height, index, width)])[0]
        first = index * TILE_WIDTH
        entries = [raw for _, _, raw in log_store.read_entries(connection, first=first, end=first + width)]
    if len(entries) != width:
        # What is answered here is kept by others for ever: rather nothing than a bundle cut short.
        raise Unavailable("tile_missing", f"{width - len(entries)} entries of {path} are not in the database")
    return encode_bundle(entries)


def require_ready(ledger: Ledger) -> int:
    """Verify the head's signature and the proof of the last entry under it, as a stranger would; gives the size.

    Raises: Unavailable `nothing_signed`; BadSignature, BadProof; the codes of `Ledger.require_in_order` and
        `open_checkpoint`.
    """
    ledger.require_in_order()
    head = open_checkpoint(checkpoint(ledger), log=ledger.log, origin=ledger.origin)
    last = prove(ledger, [head.size - 1])[0]
    check_receipt(last.receipt, entry=last.entry, log=ledger.log, origin=ledger.origin)
    return head.size
