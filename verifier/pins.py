"""pins.json: what this auditor has accepted before, so that a log cannot roll back or fork between two audits.

Keyed by origin and genesis, which the auditor's own trust file gives, and never
by a key or by anything that the log says of itself (THREATS R30).
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ledger.core.strict import hex_bytes
from ledger.errors import LedgerError, Unreadable

FILE_BYTES_MAX = 10_000_000


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The largest checkpoint that was proven."""

    size: int
    root: str
    checkpoint: str


class Pins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pins by `<origin>#<genesis>`."""

    logs: dict[str, Pin]
    version: int = 1


def read_pins(path: Path) -> Pins:
    """The pins of a file; none where there is no file yet.

    Raises: Unreadable `unreadable_file`, `bad_pins_file`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX)
    except FileNotFoundError:
        return Pins({})
    except OSError as error:
        raise Unreadable("unreadable_file", f"{path}: {error.strerror}", path=str(path)) from None
    try:
        pins = msgspec.json.decode(raw, type=Pins)
        for pin in pins.logs.values():
            hex_bytes(pin.root, size=32)
    except (msgspec.MsgspecError, LedgerError, UnicodeError, RecursionError) as error:
        raise Unreadable("bad_pins_file", f"{path}: {error}", path=str(path)) from None
    return pins


def write_pin(path: Path, name: str, pin: Pin) -> None:
    """Remember a proven checkpoint, without losing other logs' pins and never torn.

    Raises: Unreadable `unreadable_file`, `bad_pins_file`.
    """
    logs = dict(read_pins(path).logs)
    logs[name] = pin
    temporary = path.with_name(path.name + ".new")
    try:
        with temporary.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(Pins(logs), order="sorted"), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise Unreadable("unreadable_file", f"{path}: {error.strerror}", path=str(path)) from None
