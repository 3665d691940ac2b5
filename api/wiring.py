"""The one place that builds things: from a directory and its key files to an opened ledger.

Keys come from `api.keyrings`.
A directory whose rows stand in PostgreSQL names it in `DIR/database.url`.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.x509 import load_pem_x509_certificate

from api import service_keys
from api.deps import Service
from api.keyrings import open_rings
from api.metrics import Metrics
from api.rates import Rates
from api.settings import Settings
from api.webhooks import Deliverer
from keys.keyfile import KeyRing, StoredKey, load_private, read_ring
from keys.signer import FileSigner
from ledger.errors import LedgerError, NotAllowed, Unreadable
from ledger.sequencer.observer import Observer
from ledger.service.addresses import read_allowed
from ledger.service.certify import Sealing
from ledger.service.ledger import Ledger

DATABASE_VARIABLE = "GIGATON_DATABASE"
DATABASE_FILE = "database.url"
SEAL_CERTIFICATE = "seal.pem"


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


def keep_database(directory: Path, database: str) -> None:
    """Note where the rows of a directory stand. The address may hold a password: it is for the owner alone.

    Raises: Unreadable `unreadable_file`.
    """
    path = directory / DATABASE_FILE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{database}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Unreadable("unreadable_file", f"{path}: {error.strerror}", path=str(path)) from None


def open_for_reading(directory: Path) -> Ledger:
    """The ledger of a directory, read only; no key is touched."""
    return Ledger.open(directory, database=database_of(directory))


def open_for_writing(directory: Path, rings: list[KeyRing], *, observer: Observer | None = None) -> Ledger:
    """The ledger of a directory with its log key.

    Raises: NotAllowed `no_such_key` when no key file holds it.
    """
    with open_for_reading(directory) as ledger:
        wanted = ledger.log.public_key
    for ring in rings:
        for stored in ring.keys:
            if stored.algorithm == "ed25519" and FileSigner.from_stored(stored).public_key == wanted:
                signer = FileSigner.from_stored(stored)
                return Ledger.open(directory, database=database_of(directory), signer=signer, observer=observer)
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

    Raises: the codes of `open_rings`, `open_for_writing`, `Rates` and `read_allowed`.
    """
    allowed = read_allowed(settings.webhooks_allowed)
    rates = Rates(settings.limits, trusted_proxies=settings.trusted_proxies)
    rings = open_rings(settings.data, settings.passphrase)
    own = settings.data / "keys" / service_keys.FILE_NAME
    metrics = Metrics()
    ledger = open_for_writing(settings.data, rings, observer=metrics)
    ledger.keep()
    try:
        own_rings = [read_ring(own, settings.passphrase)] if own.exists() else []
        operator = ledger.programme.subject.operator.id
        found = service_keys.find_service_keys([*own_rings, *rings], operator=operator)
    except LedgerError:
        ledger.close()
        raise
    deliverer = None
    if allowed and found is not None:
        deliverer = Deliverer(ledger, found.webhook, allowed=allowed, metrics=metrics)
    return Service(
        ledger=ledger,
        own_keys=found,
        sealing=_find_sealing(settings.data, rings),
        rates=rates,
        metrics=metrics,
        log_clients=settings.log_clients,
        webhooks_allowed=allowed,
        deliverer=deliverer,
    )
