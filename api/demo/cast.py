"""The cast of the demonstration: its programme, its parties and their keys, all held in one place.

Demonstration custody, said plainly: every key of every party lies in one file
whose passphrase lies beside it. In a real programme each party holds its own.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from api.author import Hand, state
from api.founding import DEFAULT_POLICY, programme_statement
from api.service_keys import new_service_keys
from keys.generate import issue_seal, new_key
from keys.keyfile import KeyRing, StoredKey, write_ring
from keys.signer import FileSigner
from ledger.core.strict import to_base64url
from ledger.domain.statements.members import EcosystemRole, KeyUse, Purpose, Role
from ledger.domain.statements.programme import Party

HOST = "demonstration.gigaton.example"
ORIGIN = f"{HOST}/log"
ROOTS, THRESHOLD = 3, 2
RING_NAME = "demonstration.age"

# A mirror of public registries: one verifier suffices, and periods are as long and old as registries have them.
POLICY = msgspec.structs.replace(
    DEFAULT_POLICY, quorum_high=1, period_days_max=3_660, period_age_days_max=30 * 366, adopts="any"
)

_PURPOSES: dict[Role, tuple[Purpose, ...]] = {
    "claimant": ("claim",),
    "verifier": ("attest",),
    "accreditor": ("accredit",),
    "methodologist": ("publish",),
    "registrar": ("register",),
    "operator": ("publish", "certify"),
}


def party_id(name: str) -> str:
    """The id of an organisation of the demonstration, from its name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "party"
    return f"https://{HOST}/parties/{slug}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


@dataclass
class Cast:
    """Everybody who plays a part, with the keys to play it."""

    stored: list[StoredKey] = field(default_factory=list)
    hands: dict[tuple[str, Purpose], Hand] = field(default_factory=dict)
    enrolled: set[str] = field(default_factory=set)
    seal_certificate: str = ""
    seal_authority: str = ""
    seal: StoredKey = field(init=False)

    def make_hand(self, *, name: str, party: str, purposes: tuple[Purpose, ...]) -> Hand:
        """A new key of a party, kept for every purpose that it serves."""
        stored = new_key(name=name, owner=party, purposes=purposes)
        self.stored.append(stored)
        hand = Hand(party, FileSigner.from_stored(stored))
        for purpose in purposes:
            self.hands[(party, purpose)] = hand
        return hand

    def hand(self, name: str, purpose: Purpose) -> Hand:
        """The key of a named organisation for a purpose."""
        return self.hands[(party_id(name), purpose)]

    def _party(
        self, name: str, roles: tuple[Role, ...], role: EcosystemRole, country: str | None
    ) -> tuple[Party, list[Hand]]:
        party = party_id(name)
        hands = [self.make_hand(name=f"{name}: {one}", party=party, purposes=_PURPOSES[one]) for one in roles]
        purposes = [_PURPOSES[one] for one in roles]
        if "verifier" in roles:
            hands.append(self.make_hand(name=f"{name}: reviewer", party=party, purposes=("review",)))
            purposes.append(("review",))
        uses = tuple(
            KeyUse(to_base64url(hand.signer.public_key), use) for hand, use in zip(hands, purposes, strict=True)
        )
        subject = Party(
            id=party,
            legal_name=name,
            roles=roles,
            ultimate_owner=party,
            keys=uses,
            country=country,
            ecosystem_role=role,
        )
        return subject, hands

    def programme(self, *, operator: str) -> tuple[bytes, FileSigner]:
        """Entry 0, and the signer of the log."""
        party = party_id(operator)
        roots = [self.make_hand(name=f"root {number + 1}", party=party, purposes=()) for number in range(ROOTS)]
        log = self.make_hand(name="log", party=party, purposes=())
        subject, _ = self._party(operator, ("operator", "registrar"), "operator", None)
        made = issue_seal(name="seal", common_name=f"{operator} certificate seal")
        self.seal, self.seal_certificate, self.seal_authority = made
        self.stored.extend((self.seal, *new_service_keys(party)))
        statement = programme_statement(
            origin=ORIGIN,
            name="Gigaton demonstration: public registry issuances, adopted and not additional to their own issue",
            base_url=f"https://{HOST}",
            operator=subject,
            roots=roots,
            threshold=THRESHOLD,
            log_key=log.signer.public_key,
            policy=POLICY,
        )
        self.enrolled.add(operator)
        assert isinstance(log.signer, FileSigner)
        return statement, log.signer

    def enrol(
        self,
        name: str,
        roles: tuple[Role, ...],
        *,
        ledger: str,
        registrar: Hand,
        role: EcosystemRole,
        country: str | None = None,
    ) -> bytes:
        """The registration of an organisation, approved by each of its keys."""
        subject, hands = self._party(name, roles, role, country)
        self.enrolled.add(name)
        return state("Party", subject, ledger=ledger, author=registrar, approvals=hands)

    def keep(self, folder: Path) -> None:
        """Write all keys into one file, and its passphrase beside it."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        passphrase = secrets.token_urlsafe(24)
        path = folder / "passphrase.txt"
        path.touch(mode=0o600)
        path.write_text(passphrase + "\n", encoding="utf-8")
        write_ring(folder / RING_NAME, KeyRing(tuple(self.stored)), passphrase)
        (folder / "seal.pem").write_text(self.seal_certificate, encoding="ascii")
        (folder / "seal-authority.pem").write_text(self.seal_authority, encoding="ascii")
