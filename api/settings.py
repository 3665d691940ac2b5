"""What an operator sets for a serving process; `gigaton serve` reads it from flags and the environment."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

WORKERS_MAX = 64
CONNECTIONS_DEFAULT = 1_000
CONNECTIONS_MAX = 50_000


class Settings(Struct, frozen=True, kw_only=True):
    """Everything that a process needs to begin to serve; handed as it is to the processes beside it."""

    data: Path
    passphrase: str
    log_clients: bool = False
    limits: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    webhooks_allowed: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Settings(data={str(self.data)!r})"
