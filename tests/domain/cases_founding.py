"""Refusals before the first claim: who may say it, the programme, parties, keys, factors, methodologies, targets."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.core.note import Vkey
from ledger.domain.statements import methodology as f
from ledger.domain.statements import programme as p
from ledger.domain.statements import write_payload
from ledger.domain.statements.report import Cumulative
from tests.cast import key_of, public
from tests.domain.scene import CARRIER, FULL, REGISTRAR, Case, Scene

ENERGY, OWN, GRID = f.Power("energy", 1), f.Power("own", 1), f.Power("grid", 1)
AUTHOR = ("methodologist", "methodologist:methodologist")


def _claim(s: Scene, by: tuple[str, str], approvals: tuple[tuple[str, str], ...] = (), **other: Any) -> bytes:
    return s.world.state("Claim", s.world.claim_subject(), by, approvals, **other)


def _key(s: Scene, subject: p.Key, *approvals: str) -> bytes:
    return s.world.state("Key", subject, CARRIER, [("carrier", name) for name in approvals])


def _add(name: str, *purposes: Any) -> p.KeyAdd:
    return p.KeyAdd(key=public(name), purposes=purposes)


def _goal() -> Cumulative:
    return Cumulative("goal", 1, "Goal", ("2",), ("reduction",), "2021-01-01", "2036-01-01", FULL)


def _after_revocation(s: Scene) -> bytes:
    s.log.add(_key(s, p.KeyRevoke(key=public("carrier:claimant"))))
    return s.world.claim()


def _revoked_twice(s: Scene) -> bytes:
    s.log.add(_key(s, _add("spare", "claim"), "spare"))
    s.log.add(_key(s, p.KeyRevoke(key=public("spare"))))
    return _key(s, p.KeyRevoke(key=public("spare")))


def _same_id(s: Scene) -> bytes:
    return _claim(s, CARRIER, id=s.claimed().id)


def _unknown_kind(s: Scene) -> bytes:
    payload = write_payload(
        kind="Claim",
        subject=s.world.claim_subject(),
        id=s.world.next_id(),
        issuer=s.world.party_id("carrier"),
        ledger=s.world.ledger,
        valid_from="2026-09-01T00:00:00Z",
    )
    return s.resigned(payload.replace(b'"VerifiableCredential","Claim"', b'"VerifiableCredential","Wish"'))


def _second(s: Scene, **changes: Any) -> bytes:
    """Version 2 of the programme."""
    return s.world.programme(version=2, **changes)


def _renamed(s: Scene) -> bytes:
    operator = s.world.party_subject("operator", ("operator", "registrar"))
    return _second(s, operator=msgspec.structs.replace(operator, legal_name="Another Ltd"))


def _role_twice(s: Scene) -> bytes:
    subject = msgspec.structs.replace(s.world.party_subject("new", ("claimant",)), roles=("claimant", "claimant"))
    return s.world.state("Party", subject, REGISTRAR, [("new", "new:claimant")])


def _log_key(s: Scene, *, name: str | None = None, key: str = "log", from_size: int = 0) -> tuple[p.LogKey, ...]:
    return (p.LogKey(str(Vkey.make(name or s.world.origin, bytes(key_of(key).verify_key))), from_size),)


def _roots(*names: str, threshold: int) -> p.RootKeys:
    return p.RootKeys(keys=tuple(public(name) for name in names), threshold=threshold)


def _methodology(s: Scene, **changes: Any) -> bytes:
    return s.world.methodology(s.world.grid_subject(id="another", **changes))


def _factor(**changes: Any) -> f.Factor:
    plain = f.Factor(
        id="flat",
        value="1",
        unit="kgCO2e",
        gas_basis="CO2e",
        region="world",
        year=2024,
        use="intervention",
        uncertainty_ppm=0,
        citation="A test",
        gwp_set="AR6",
    )
    return msgspec.structs.replace(plain, **changes)


def _factors(s: Scene, *factors: f.Factor) -> bytes:
    return s.world.state("FactorSet", f.FactorSet(id="flat", version=1, title="Flat", factors=factors), AUTHOR)


def _with_flat(s: Scene, value: str, *, term: f.Term) -> bytes:
    s.log.add(_factors(s, _factor(value=value)))
    return _methodology(s, factors={"flat": f.FactorUse("flat", 1, "flat")}, baseline=(term,))


def _in_two_places(s: Scene) -> bytes:
    """Germany's grid beside France's: no claim lies in both."""
    s.log.add(_factors(s, _factor(id="fr", unit="kgCO2e/kWh", region="FR")))
    both = {"grid": f.FactorUse("grid", 1, "de-2024"), "other": f.FactorUse("flat", 1, "fr")}
    return _methodology(s, factors=both)


def _without_set(s: Scene) -> bytes:
    """A factor in CO2 alone, and own emissions in CO2e of nobody knows which set."""
    s.log.add(_factors(s, _factor(unit="kgCO2/kWh", gas_basis="CO2", gwp_set=None)))
    return _methodology(s, factors={"grid": f.FactorUse("flat", 1, "flat")}, gwp_set=None)


def _bound(low: str, high: str) -> dict[str, f.Input]:
    return {"energy": f.Input("MWh", low, high), "own": f.Input("tCO2e")}


WHO = (
    Case("the first statement is no Programme", "no_programme", lambda s: s.world.claim(), founded=False),
    Case("a statement for another ledger", "other_ledger", lambda s: _claim(s, CARRIER, ledger="other/log#00")),
    Case("an id twice", "duplicate_id", _same_id),
    Case("a kind that is not known", "unknown_kind", _unknown_kind),
    Case("issued in another's name", "signer_is_not_issuer", lambda s: _claim(s, CARRIER, issuer="plant")),
    Case("a claimant that is not enrolled", "unknown_party", lambda s: _claim(s, ("stranger", "stranger:claimant"))),
    Case("a verifier claims", "missing_role", lambda s: _claim(s, ("verifier", "verifier:verifier"))),
    Case("a key that nobody registered", "unknown_key", lambda s: _claim(s, ("carrier", "unregistered"))),
    Case("a key of another party", "key_of_another", lambda s: _claim(s, ("carrier", "plant:claimant"))),
    Case("a root key signs a claim", "key_of_another", lambda s: _claim(s, ("carrier", "root0"))),
    Case("a revoked key", "key_revoked", _after_revocation),
    Case("a registrar's key publishes", "wrong_purpose", lambda s: s.world.state("Target", _goal(), REGISTRAR)),
    Case(
        "a claim with an approval", "unexpected_approval", lambda s: _claim(s, CARRIER, (("plant", "plant:claimant"),))
    ),
)

FOUNDING = (
    Case(
        "one root of two",
        "below_threshold",
        lambda s: s.world.state("Programme", s.world.programme_subject(version=2), ("operator", "root0")),
    ),
    Case(
        "new roots below their own threshold",
        "below_threshold",
        lambda s: _second(s, root=_roots("root0", "root1", "root2", threshold=3)),
    ),
    Case("the operator changes", "programme_fixed", _renamed),
    Case("the log key changes", "log_key_handover", lambda s: _second(s, log_keys=_log_key(s, key="log2"))),
    Case("a log key from a later size", "log_key_handover", lambda s: _second(s, log_keys=_log_key(s, from_size=9))),
    Case("a log key of another name", "bad_log_key", lambda s: _second(s, log_keys=_log_key(s, name="other/log"))),
    Case("a later format", "unsupported_formats", lambda s: _second(s, formats=p.Formats(1, 2, 1))),
    Case("more signatures than roots", "bad_threshold", lambda s: _second(s, root=_roots("root0", threshold=2))),
    Case(
        "a high quorum below the low one",
        "bad_policy",
        lambda s: _second(s, policy=msgspec.structs.replace(s.world.policy, quorum=3)),
    ),
    Case("a version is left out", "version_not_next", lambda s: s.world.programme(version=3)),
    Case("the operator's role", "role_reserved", lambda s: s.world.party("second", ("operator",))),
    Case("a party twice", "party_exists", lambda s: s.world.party("carrier")),
    Case("a party with a role twice", "duplicate_member", _role_twice),
    Case("a new key to attest", "purpose_without_role", lambda s: _key(s, _add("spare", "attest"), "spare")),
    Case("a new key to recover", "wrong_purpose", lambda s: _key(s, _add("spare", "recover"), "spare")),
    Case("a key of another as new", "key_taken", lambda s: _key(s, _add("plant:claimant", "claim"), "plant:claimant")),
    Case("a new key that does not sign", "no_proof_of_possession", lambda s: _key(s, _add("spare", "claim"))),
    Case(
        "another key signs for the new one",
        "no_proof_of_possession",
        lambda s: _key(s, _add("spare", "claim"), "other"),
    ),
    Case("a key of another is revoked", "key_of_another", lambda s: _key(s, p.KeyRevoke(key=public("plant:claimant")))),
    Case("a key revoked twice", "key_revoked", _revoked_twice),
    Case(
        "a rotation",
        "rotation_unsupported",
        lambda s: _key(s, p.KeyRotate(public("spare"), public("carrier:claimant"), ("claim",)), "spare"),
    ),
    Case(
        "a compromised range",
        "compromise_unsupported",
        lambda s: _key(s, p.KeyRevoke(public("carrier:claimant"), compromised_since=3)),
    ),
    Case(
        "a grant to a claimant",
        "missing_role",
        lambda s: s.world.accreditation("carrier", keys=(public("carrier:claimant"),)),
    ),
    Case(
        "a grant to a reviewer's key", "unknown_key", lambda s: s.world.accreditation(keys=(public("verifier:review"),))
    ),
    Case("a grant that ends first", "period_reversed", lambda s: s.world.accreditation(until="2025-01-01")),
    Case(
        "a halt to a grant that was never made",
        "not_the_author",
        lambda s: s.world.state(
            "Accreditation",
            p.AccreditationSuspend(s.world.next_id(), "A test."),
            ("accreditor", "accreditor:accreditor"),
        ),
    ),
)

DOCUMENTS = (
    Case("a factor set of the same version", "version_not_next", lambda s: s.world.factor_set()),
    Case("a target of the same version", "version_not_next", lambda s: s.world.target()),
    Case("a target of part of a year", "period_not_whole_years", lambda s: s.world.target(id="a", to="2035-06-01")),
    Case("a target of nothing", "bad_goal", lambda s: s.world.target(id="a", goal="0.000")),
    Case("a factor that is no emission", "dimension_mismatch", lambda s: _factors(s, _factor(unit="kWh"))),
    Case("CO2e without a GWP set", "gwp_set_mismatch", lambda s: _factors(s, _factor(gwp_set=None))),
    Case("a factor of no country", "unknown_country", lambda s: _factors(s, _factor(region="XX"))),
    Case("a factor twice", "duplicate_member", lambda s: _factors(s, _factor(), _factor())),
    Case(
        "a methodology nobody approves",
        "missing_approval",
        lambda s: s.world.state("Methodology", s.world.grid_subject(id="another"), AUTHOR),
    ),
    Case("a methodology of two places", "factor_region_mismatch", _in_two_places),
    Case("inputs in CO2e of no named GWP set", "gwp_set_mismatch", _without_set),
    Case("a methodology on another GWP set", "gwp_set_mismatch", lambda s: _methodology(s, gwp_set="AR5")),
    Case(
        "a factor that is not published",
        "unknown_factor",
        lambda s: _methodology(s, factors={"grid": f.FactorUse("grid", 1, "xx-2024")}),
    ),
    Case(
        "an inventory factor",
        "wrong_factor_use",
        lambda s: _methodology(s, factors={"grid": f.FactorUse("grid", 1, "fr-2024")}),
    ),
    Case(
        "a term that is no emission",
        "dimension_mismatch",
        lambda s: _methodology(s, baseline=(f.Term("1", (ENERGY,)),)),
    ),
    Case(
        "a term of an unknown name",
        "unknown_name",
        lambda s: _methodology(s, baseline=(f.Term("1", (f.Power("wind", 1),)),)),
    ),
    Case(
        "an input of an unknown unit",
        "unknown_unit",
        lambda s: _methodology(s, inputs={"energy": f.Input("furlong"), "own": f.Input("tCO2e")}),
    ),
    Case("an input with bounds reversed", "bad_bounds", lambda s: _methodology(s, inputs=_bound("5", "4"))),
    Case(
        "a tier with bounds reversed",
        "bad_bounds",
        lambda s: _methodology(s, baseline=(f.Term("1", (ENERGY, GRID), up_to="5", beyond="6"),)),
    ),
    Case(
        "a tier without an input",
        "tier_without_input",
        lambda s: _with_flat(s, "1", term=f.Term("1", (f.Power("flat", 1),), up_to="5")),
    ),
    Case(
        "a division by a factor of zero",
        "zero_factor",
        lambda s: _with_flat(s, "0", term=f.Term("1", (OWN, OWN, f.Power("flat", -1)))),
    ),
    Case("a reported figure that is computed", "bad_adoption", lambda s: _methodology(s, quality="reported")),
    Case(
        "an input named as a factor",
        "duplicate_member",
        lambda s: _methodology(s, factors={"energy": f.FactorUse("grid", 1, "de-2024")}),
    ),
)
