"""Who plays in the tests' small world, under which policy, with keys from seeds."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from nacl.signing import SigningKey

from ledger.core.strict import to_base64url
from ledger.domain.statements import members as m
from ledger.domain.statements import programme as p

DEFAULT_POLICY = p.Policy(
    quorum=1,
    quorum_high=2,
    quorum_high_from_t=100_000,
    reviewer_required=True,
    materiality_ppm=50_000,
    period_days_max=400,
    period_age_days_max=1827,
    deduction_above_ppm=100_000,
    gwp_sets=("AR5", "AR6"),
    adopts="retired",
    evidence_max=64,
    participants_max=64,
    findings_days=60,
    rotation_delay_hours=24,
    anchor_hours=24,
)

ROLES: dict[str, tuple[m.Role, ...]] = {
    "accreditor": ("accreditor",),
    "methodologist": ("methodologist",),
    "verifier": ("verifier",),
    "verifier2": ("verifier",),
    "carrier": ("claimant",),
    "plant": ("claimant",),
}
PURPOSES: dict[m.Role, tuple[m.Purpose, ...]] = {
    "accreditor": ("accredit",),
    "methodologist": ("publish",),
    "verifier": ("attest",),
    "claimant": ("claim",),
    "registrar": ("register",),
    "operator": ("publish", "certify"),
    "partner": ("recover",),
}


def key_of(name: str) -> SigningKey:
    """The key with this name, always the same."""
    return SigningKey(sha256(f"gigaton test key {name}".encode()).digest())


def public(name: str) -> str:
    """A key's public half as statements spell it."""
    return to_base64url(bytes(key_of(name).verify_key))


def sign_with(name: str) -> Any:
    """A function that signs with the key of this name."""
    key = key_of(name)
    return lambda message: key.sign(message).signature
