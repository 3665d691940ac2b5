"""trust.json: what an auditor recognises, held by the auditor and never taken from a bundle.

Source: DESIGN 4.4; THREATS R12, R30.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from ledger.core.note import COSIGNATURE, ED25519, Vkey
from ledger.domain.statements.members import Digest, PartyId, PublicKey
from ledger.domain.statements.programme import Origin, Programme
from ledger.errors import LedgerError, Unreadable

FILE_BYTES_MAX = 1_000_000


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the parts of a trust file: unknown members refused."""


class Roots(_Part, frozen=True):
    """The programme's root keys and how many it takes."""

    keys: tuple[PublicKey, ...]
    threshold: int


class Accreditor(_Part, frozen=True):
    """An accreditor whose grants this auditor recognises, by these keys."""

    party: PartyId
    keys: tuple[PublicKey, ...]


class Witnesses(_Part, frozen=True):
    """Witness keys (vkeys of type 0x04) and how many of them must have cosigned; 0 asks for none."""

    keys: tuple[str, ...]
    quorum: Annotated[int, msgspec.Meta(ge=0, le=64)]


class Trust(_Part, frozen=True):
    """What one auditor trusts about one log."""

    version: Literal[1]
    origin: Origin
    genesis: Digest
    log: str
    root: Roots
    accreditors: tuple[Accreditor, ...]
    witnesses: Witnesses
    seal: tuple[str, ...]

    @classmethod
    def build(
        cls,
        *,
        programme: Programme,
        genesis: str,
        accreditors: Mapping[str, tuple[str, ...]],
        witnesses: tuple[str, ...] = (),
        quorum: int = 0,
        seal: tuple[str, ...] = (),
    ) -> Trust:
        """A trust file for a programme whose entry 0 has the leaf hash `genesis` (hex)."""
        return cls(
            version=1,
            origin=programme.origin,
            genesis=genesis,
            log=programme.log_keys[-1].vkey,
            root=Roots(programme.root.keys, programme.root.threshold),
            accreditors=tuple(Accreditor(party, keys) for party, keys in accreditors.items()),
            witnesses=Witnesses(witnesses, quorum),
            seal=seal,
        )

    @property
    def log_vkey(self) -> Vkey:
        """The log's verifier key."""
        return Vkey.parse(self.log)

    @property
    def witness_vkeys(self) -> tuple[Vkey, ...]:
        """The witnesses' verifier keys."""
        return tuple(Vkey.parse(text) for text in self.witnesses.keys)

    @property
    def recognised(self) -> frozenset[tuple[str, str]]:
        """(party, key) of every recognised accreditor."""
        return frozenset((one.party, key) for one in self.accreditors for key in one.keys)


def read_trust(path: Path) -> Trust:
    """Read a trust file.

    Raises: Unreadable `unreadable_file`, `bad_trust_file`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Unreadable("unreadable_file", f"{path}: {error.strerror}", path=str(path)) from None
    if len(raw) > FILE_BYTES_MAX:
        raise Unreadable("bad_trust_file", f"{path} is too large for a trust file", path=str(path))
    return parse_trust(raw, name=str(path))


def parse_trust(raw: bytes, *, name: str = "trust.json") -> Trust:
    """Read the bytes of a trust file.

    Raises: Unreadable `bad_trust_file`.
    """
    try:
        trust = msgspec.json.decode(raw, type=Trust)
        if trust.log_vkey.algorithm != ED25519 or any(one.algorithm != COSIGNATURE for one in trust.witness_vkeys):
            raise Unreadable("bad_trust_file", f"{name}: a key is of the wrong type", path=name)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Unreadable("bad_trust_file", f"{name}: {error}", path=name) from None
    except LedgerError as error:
        raise Unreadable("bad_trust_file", f"{name}: {error.message}", path=name) from None
    return trust


def write_trust(path: Path, trust: Trust) -> None:
    """Write a trust file, indented for people to read."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(trust, order="sorted"), indent=2) + b"\n")
