"""The one place that gives a command its ledger: that of a directory, or the one behind `--server`.

With a server, DIR is the author's own directory: `keys/`, `trust.json` and
`pins.json`, and no database. Keys never leave it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.book import Book, RemoteBook
    from keys.keyfile import KeyRing

TRUST_FILE = "trust.json"
PINS_FILE = "pins.json"


@contextmanager
def open_remote(data: Path, server: str) -> Iterator[RemoteBook]:
    """The ledger behind a server, with the trust file and the memory of the author's own directory.

    Raises: the codes of `Client`; Unreadable `bad_trust_file`.
    """
    from api.book import RemoteBook
    from api.proving import PinsFile
    from keys.trust import read_trust

    path = data / TRUST_FILE
    trust = read_trust(path) if path.exists() else None
    memory = None if trust is None else PinsFile(data / PINS_FILE, trust)
    with RemoteBook(server, trust=trust, memory=memory) as book:
        yield book


@contextmanager
def open_book(data: Path, server: str | None, *, rings: Callable[[], list[KeyRing]] | None = None) -> Iterator[Book]:
    """The ledger of a command, closed after it. To write to a directory's ledger, `rings` gives its log key.

    Raises: the codes of `open_for_reading`, `open_for_writing` and `open_remote`.
    """
    if server is not None:
        with open_remote(data, server) as book:
            yield book
        return
    from api.local import LocalBook
    from api.wiring import open_for_reading, open_for_writing

    with open_for_reading(data) if rings is None else open_for_writing(data, rings()) as ledger:
        yield LocalBook(ledger)
