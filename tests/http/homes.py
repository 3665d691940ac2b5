"""A participant's own directory: keys, passphrase and trust file, and nothing of the server's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keys.keyfile import KeyRing, StoredKey, write_ring
from keys.trust import Trust, write_trust
from tests.cast import key_of
from tests.world import World

ROLES = {"carrier:claimant": "claim", "verifier:verifier": "attest", "verifier:review": "review"}


def trust_of(world: World) -> Trust:
    """What a participant trusts about the world's log."""
    genesis = world.ledger.partition("#")[2]
    return Trust.build(programme=world.programme_subject(), genesis=genesis, accreditors={})


def keep_keys(directory: Path, world: World, names: Iterable[str] = ROLES) -> None:
    """Key files of the world's parties in `directory/keys`, under the passphrase that is there or a new one."""
    folder = directory / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passphrase = folder / "passphrase.txt"
    if not passphrase.exists():
        passphrase.write_text("open\n")
        passphrase.chmod(0o600)
    rings = []
    for name in names:
        private = Ed25519PrivateKey.from_private_bytes(bytes(key_of(name)))
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        owner = world.party_id(name.partition(":")[0])
        rings.append(StoredKey(name, owner, (ROLES[name],), "ed25519", pem))  # type: ignore[arg-type]
    write_ring(folder / "own.age", KeyRing(tuple(rings)), "open")  # one file: each one takes its time to open


def make_home(directory: Path, world: World) -> Path:
    """A participant's directory with keys and trust file."""
    keep_keys(directory, world)
    write_trust(directory / "trust.json", trust_of(world))
    return directory
