"""The project's vectors, byte for byte: keys, tree, tiles, checkpoint, cosignature and offline proof.

Source: tests/vectors/README.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.core.check import check_consistency, check_inclusion
from ledger.core.checkpoint import Checkpoint, cosignature_message, open_checkpoint, sign_checkpoint
from ledger.core.hashing import leaf_hash
from ledger.core.merkle import root_at
from ledger.core.note import Vkey
from ledger.core.prove import prove_consistency, prove_inclusion
from ledger.core.receipt import Receipt, check_receipt, parse_receipt
from ledger.core.strict import to_base64
from ledger.core.tiles import Tile, TileReader, TreeBuilder, bundle_path, decode_bundle, encode_bundle

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "tlog-vectors.json").read_text("utf-8"))
KEYS, TREE = VECTORS["keys"], VECTORS["tree7"]
ENTRIES = [entry.encode() for entry in TREE["entries"]]
LEAVES = [bytes.fromhex(leaf) for leaf in TREE["leaf_hashes"]]
TILE = bytes.fromhex(TREE["tile/0/000.p/7"])
LOG, W1 = (Vkey.parse(KEYS[name]["vkey"]) for name in ("log", "w1"))


def key_of(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEYS[name]["seed_hex"]))


def head(size: int) -> Checkpoint:
    return Checkpoint(LOG.name, size, bytes.fromhex(TREE["roots"][str(size)]))


def reader(size: int) -> TileReader:
    return TileReader(lambda tiles: [TILE[: 32 * tile.width] for tile in tiles], size)


@pytest.mark.parametrize("name", ["log", "w1"])
def test_keys(name: str) -> None:
    key = KEYS[name]
    public = key_of(name).public_key().public_bytes_raw()
    assert public.hex() == key["pub_hex"]
    vkey = Vkey.make(key["name"], public, algorithm=key["alg"])
    assert (str(vkey), vkey.key_id.hex()) == (key["vkey"], key["key_id"])
    assert Vkey.parse(key["vkey"]) == vkey


def test_leaves_tile_and_bundle() -> None:
    assert [leaf_hash(entry) for entry in ENTRIES] == LEAVES
    builder = TreeBuilder()
    assert builder.extend(LEAVES) == [(Tile(0, 0, 7), TILE)]
    assert Tile(0, 0, 7).path in TREE
    bundle = bytes.fromhex(TREE[bundle_path(0, 7)])
    assert encode_bundle(ENTRIES) == bundle
    assert decode_bundle(bundle, width=7) == ENTRIES


@pytest.mark.parametrize("size", range(8))
def test_roots(size: int) -> None:
    builder = TreeBuilder()
    builder.extend(LEAVES[:size])
    assert builder.root() == root_at(size, reader(size)) == head(size).root


@pytest.mark.parametrize("index", range(7))
def test_inclusion(index: int) -> None:
    path = prove_inclusion(index=index, size=7, reader=reader(7))
    assert [step.hex() for step in path] == TREE["inclusion"][str(index)]
    check_inclusion(index=index, leaf=LEAVES[index], path=path, head=head(7))


@pytest.mark.parametrize("size", range(1, 8))
def test_consistency(size: int) -> None:
    path = prove_consistency(old_size=size, new_size=7, reader=reader(7))
    assert [step.hex() for step in path] == TREE["consistency_to_7"][str(size)]
    check_consistency(old=head(size), new=head(7), path=path)


def test_checkpoint() -> None:
    raw = VECTORS["checkpoint7"].encode()
    assert sign_checkpoint(head(7), vkey=LOG, sign=key_of("log").sign) == raw
    opened = open_checkpoint(raw, log=LOG, origin=LOG.name, witnesses=[W1])
    assert (opened.size, opened.root, opened.cosignatures) == (7, head(7).root, ())


def test_cosignature() -> None:
    message = cosignature_message(1_700_000_000, head(7).text)
    assert message.decode() == VECTORS["cosig_message"]
    payload = (1_700_000_000).to_bytes(8, "big") + key_of("w1").sign(message)
    assert f"\N{EM DASH} {W1.name} {to_base64(W1.key_id + payload)}\n" == VECTORS["cosig_line"]
    raw = (VECTORS["checkpoint7"] + VECTORS["cosig_line"]).encode()
    opened = open_checkpoint(raw, log=LOG, origin=LOG.name, witnesses=[W1])
    assert opened.cosignatures == ((W1, 1_700_000_000),)


def test_offline_proof() -> None:
    raw = VECTORS["tlog_proof_5"].encode()
    receipt = parse_receipt(raw)
    path = tuple(prove_inclusion(index=5, size=7, reader=reader(7)))
    assert receipt == Receipt(5, path, (VECTORS["checkpoint7"] + VECTORS["cosig_line"]).encode())
    assert receipt.encode() == raw
    opened = check_receipt(receipt, entry=ENTRIES[5], log=LOG, origin=LOG.name, witnesses=[W1])
    assert opened.cosignatures == ((W1, 1_700_000_000),)


@pytest.mark.parametrize("old_size", [0, 3])
def test_witness_requests_hold_our_proofs(old_size: int) -> None:
    """The body that asks a witness to cosign: old size, proof lines, checkpoint (TLOG-SPEC 7)."""
    path = prove_consistency(old_size=old_size, new_size=7, reader=reader(7)) if old_size else []
    lines = [f"old {old_size}", *(to_base64(step) for step in path), "", VECTORS["checkpoint7"]]
    assert "\n".join(lines) == VECTORS[f"add_checkpoint_{old_size}_to_7"]
