"""The keys of a person's own directory, which never leave it; no ledger is opened here.

Keys lie in `DIR/keys/*.age`. A passphrase is read from `--passphrase-file`,
from the file that GIGATON_PASSPHRASE_FILE names, from `DIR/keys/passphrase.txt`
(which only the demonstration writes), or asked for at the terminal.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from api import service_keys
from keys.keyfile import KeyRing, StoredKey, read_ring
from ledger.errors import NotAllowed, Unreadable

PASSPHRASE_VARIABLE = "GIGATON_PASSPHRASE_FILE"  # noqa: S105 - the name of a variable, no secret
PASSPHRASE_BYTES_MAX = 1_000


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
    """Every key file of a directory but the service's own: opening one takes a second, and no command signs with it.

    Raises: Unreadable `no_keys` and the codes of `read_ring`.
    """
    paths = sorted(path for path in (directory / "keys").glob("*.age") if path.name != service_keys.FILE_NAME)
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
