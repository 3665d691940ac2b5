"""The one place that builds things: from a directory and its key files to an opened ledger.

Keys lie in `DIR/keys/*.age`. A passphrase is read from `--passphrase-file`,
from the file that GIGATON_PASSPHRASE_FILE names, from `DIR/keys/passphrase.txt`
(which only the demonstration writes), or asked for at the terminal.
A directory whose rows stand in PostgreSQL names it in `DIR/database.url`.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.x509 import load_pem_x509_certificate

from api.deps import Service
from api.settings import Settings
from keys.keyfile import KeyRing, StoredKey, load_private, read_ring
from keys.signer import FileSigner
from ledger.errors import NotAllowed, Unreadable
from ledger.service.certify import Sealing
from ledger.service.ledger import Ledger

PASSPHRASE_VARIABLE = "GIGATON_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable, no secret
PASSPHRASE_BYTES_MAX = 1_000
DATABASE_VARIABLE = "GIGATON_DATABASE"
DATABASE_FILE = "database.url"
SEAL_CERTIFICATE = "seal.pem"


def read_passphrase(directory: Path, given: Path | None = None) -> str:
    """The passphrase of the key files of a directory.

    Raises: Unreadable `no_passphrase`, `unreadable_file`.
    """
    named = os.environ.get(PASSPHRASE_VARIABLE)
    own = directory / "keys" / "passphrase.txt"
    path = given or (Path(named) if named else None) or (own if own.exists() else None)
    if path is None:
        if sys.stdin.isatty():
            return getpass.getpass("Passphrase of the key files: ")
        raise Unreadable("no_passphrase", "no passphrase file is named and there is no terminal to ask at")
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(PASSPHRASE_BYTES_MAX).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable("unreadable_file", f"{path}: {error}", path=str(path)) from None


def open_rings(directory: Path, passphrase: str) -> list[KeyRing]:
    """Every key file of a directory.

    Raises: Unreadable `no_keys` and the codes of `read_ring`.
    """
    paths = sorted((directory / "keys").glob("*.age"))
    if not paths:
        raise Unreadable("no_keys", f"there is no key file in {directory / 'keys'}", path=str(directory / "keys"))
    return [read_ring(path, passphrase) for path in paths]


def find_stored(rings: list[KeyRing], name: str) -> StoredKey:
    """The key of a name.

    Raises: NotAllowed `no_such_key`.
    """
    for ring in rings:
        for stored in ring.keys:
            if stored.name == name:
                return stored
    raise NotAllowed("no_such_key", f"no key file holds a key named {name!r}", key=name)


def sealing_of(stored: StoredKey, certificate: str) -> Sealing:
    """The key that seals certificates, with its own certificate (PEM).

    Raises: Unreadable `bad_key_file`.
    """
    key = load_private(stored)
    try:
        made = load_pem_x509_certificate(certificate.encode())
    except ValueError:
        raise Unreadable("bad_key_file", "the seal's certificate is no PEM certificate", name=stored.name) from None
    if not isinstance(key, EllipticCurvePrivateKey) or made.public_key() != key.public_key():
        raise Unreadable("bad_key_file", "the seal's certificate is of another key", name=stored.name)
    return Sealing(key, made)


def database_of(directory: Path) -> str | None:
    """The PostgreSQL database of a directory, from GIGATON_DATABASE or DIR/database.url; None for its SQLite file.

    Raises: Unreadable `unreadable_file`.
    """
    named = os.environ.get(DATABASE_VARIABLE)
    path = directory / DATABASE_FILE
    if named or not path.exists():
        return named or None
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable("unreadable_file", f"{path}: {error}", path=str(path)) from None


def open_for_reading(directory: Path) -> Ledger:
    """The ledger of a directory, read only; no key is touched."""
    return Ledger.open(directory, database=database_of(directory))


def open_for_writing(directory: Path, rings: list[KeyRing]) -> Ledger:
    """The ledger of a directory with its log key.

    Raises: NotAllowed `no_such_key` when no key file holds it.
    """
    with open_for_reading(directory) as ledger:
        wanted = ledger.log.public_key
    for ring in rings:
        for stored in ring.keys:
            if stored.algorithm == "ed25519" and FileSigner.from_stored(stored).public_key == wanted:
                signer = FileSigner.from_stored(stored)
                return Ledger.open(directory, database=database_of(directory), signer=signer)
    raise NotAllowed("no_such_key", "no key file holds the log key that the Programme names", key=wanted.hex())


def _find_sealing(directory: Path, rings: list[KeyRing]) -> Sealing | None:
    """The seal, where its key is among the key files; certificates are otherwise served only as they were kept.

    Raises: Unreadable `bad_key_file`, `unreadable_file`.
    """
    path = directory / "keys" / SEAL_CERTIFICATE
    stored = next((key for ring in rings for key in ring.keys if key.name == "seal"), None)
    if stored is None or not path.exists():
        return None
    try:
        return sealing_of(stored, path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable("unreadable_file", f"{path}: {error}", path=str(path)) from None


def open_service(settings: Settings) -> Service:
    """All that a serving process needs.

    Raises: the codes of `open_rings` and `open_for_writing`.
    """
    rings = open_rings(settings.data, settings.passphrase)
    return Service(ledger=open_for_writing(settings.data, rings), sealing=_find_sealing(settings.data, rings))
