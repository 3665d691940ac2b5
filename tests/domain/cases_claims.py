"""Refusals of claims: period, methodology, participants, evidence, figures, and what is counted already."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import methodology as f
from tests.domain.scene import Case, Scene

METER = ("meter:carrier:1",)
NOWHERE = "0" * 64


def _inputs(energy: str = "1000", unit: str = "MWh", **other: c.InputValue) -> dict[str, c.InputValue]:
    return {"energy": c.InputValue(energy, unit), "own": c.InputValue("1", "tCO2e"), **other}


def _with(s: Scene, inputs: dict[str, c.InputValue]) -> bytes:
    return s.world.claim(inputs=inputs)


def _days(s: Scene, start: str, end: str, **changes: Any) -> bytes:
    return s.world.claim(start=start, end=end, **changes)


def _after_first(s: Scene, start: str, end: str, claimant: str = "plant", **changes: Any) -> bytes:
    s.claimed()
    return s.world.claim(claimant, start=start, end=end, counted_by=METER, **changes)


def _said(s: Scene, **changes: str) -> bytes:
    figures = msgspec.structs.replace(s.world.claim_subject().quantification, **changes)
    return s.world.claim(quantification=figures)


def _shares(s: Scene, *shares: tuple[str | None, int]) -> bytes:
    return s.world.claim(
        participants=tuple(
            c.Participant(role="owner", scope="2", share_ppm=ppm, party=name and s.world.party_id(name))
            for name, ppm in shares
        )
    )


def _evidence_twice(s: Scene, *, same: bool) -> bytes:
    first = s.world.claim_subject().evidence[0]
    return s.world.claim(evidence=(first, first if same else msgspec.structs.replace(first, digest=NOWHERE)))


def _using(s: Scene, given: dict[str, c.InputValue] | None = None, **changes: Any) -> bytes:
    """A claim under a methodology of its own."""
    s.log.add(s.world.methodology(s.world.grid_subject(id="another", **changes)))
    subject = s.world.claim_subject(methodology=m.DocumentRef("another", 1), inputs=given or _inputs())
    return s.world.state("Claim", subject, ("carrier", "carrier:claimant"))


def _using_bounded(s: Scene, energy: str) -> bytes:
    bounded = {"energy": f.Input("MWh", "1", "999.999"), "own": f.Input("tCO2e")}
    s.log.add(s.world.methodology(s.world.grid_subject(id="bounded", inputs=bounded)))
    inputs = _inputs(energy)
    return s.world.claim(
        methodology=m.DocumentRef("bounded", 1), inputs=inputs, quantification=s.world.quantify(inputs)
    )


def _reported(s: Scene) -> bytes:
    adopted = (f.Term("1", (f.Power("issued", 1),)),)
    inputs = {"issued": f.Input("tCO2e")}
    given = {"issued": c.InputValue("5", "tCO2e")}
    return _using(s, given, quality="reported", inputs=inputs, factors={}, baseline=adopted, project=(), gwp_set=None)


def _issued(s: Scene, *, retired: bool) -> bytes:
    return s.world.claim(issued_elsewhere=c.IssuedElsewhere("Verra", "VCS-1", retired))


def _other_supersedes(s: Scene) -> bytes:
    return s.world.claim("plant", counted_by=METER, supersedes=s.claimed())


def _too_much(s: Scene) -> bytes:
    """The running sum over all live claims is filled by claims, not by hand."""
    inputs = _inputs("19000000000")
    changes: dict[str, Any] = {"inputs": inputs, "quantification": s.world.quantify(inputs)}
    each_g = 19_000_000_000 * 500_000 - 1_000_000
    for number in range(2**62 // each_g):
        s.claimed(counted_by=(f"meter:{number}",), **changes)
    return s.world.claim(counted_by=("meter:last",), **changes)


_OWN_BY_ENERGY = (f.Term("1", (f.Power("own", 1), f.Power("energy", 1), f.Power("energy", -1))),)

CLAIMS = (
    Case("a confidential claim", "confidential_reserved", lambda s: s.world.claim(disclosure="confidential")),
    Case("a day that does not exist", "bad_date", lambda s: _days(s, "2025-02-29", "2025-04-01")),
    Case("no day", "period_reversed", lambda s: _days(s, "2025-04-01", "2025-04-01")),
    Case("the period ends tomorrow", "period_not_ended", lambda s: _days(s, "2026-09-01", "2026-09-22")),
    Case("the period ended yesterday", None, lambda s: _days(s, "2026-09-01", "2026-09-21")),
    Case("401 days", "period_too_long", lambda s: _days(s, "2025-01-01", "2026-02-06")),
    Case("400 days", None, lambda s: _days(s, "2025-01-01", "2026-02-05")),
    Case("ended 1,828 days ago", "period_too_old", lambda s: _days(s, "2021-06-01", "2021-09-19")),
    Case("ended 1,827 days ago", None, lambda s: _days(s, "2021-06-01", "2021-09-20")),
    Case("a country that is none", "unknown_country", lambda s: s.world.claim(country="XX")),
    Case("a region of another country", "region_mismatch", lambda s: s.world.claim(region="FR-75")),
    Case("an escape that is not needed", "uri_not_normal", lambda s: s.world.claim(counted_by=("meter:%61",))),
    Case("an escape in lower case", "uri_not_normal", lambda s: s.world.claim(counted_by=("meter:%c3",))),
    Case("a meter twice", "duplicate_member", lambda s: s.world.claim(counted_by=METER * 2)),
    Case("an unknown methodology", "unknown_methodology", lambda s: s.world.claim(methodology=m.DocumentRef("x", 1))),
    Case(
        "a later version",
        "unknown_methodology",
        lambda s: s.world.claim(methodology=m.DocumentRef("grid-displacement", 2)),
    ),
    Case("a factor of another country", "factor_region_mismatch", lambda s: s.world.claim(country="FR")),
    Case("a reported figure of no registry", "adoption_not_stated", _reported),
    Case("a credit that is not retired", "issued_elsewhere", lambda s: _issued(s, retired=False)),
    Case(
        "a retired credit where none is adopted",
        "issued_elsewhere",
        lambda s: _issued(s, retired=True),
        {"adopts": "none"},
    ),
    Case("a retired credit", None, lambda s: _issued(s, retired=True)),
    Case(
        "too many participants", "too_many", lambda s: _shares(s, ("carrier", 1), ("plant", 2)), {"participants_max": 1}
    ),
    Case("a participant that is nobody", "bad_participant", lambda s: _shares(s, (None, 1_000_000))),
    Case("a participant that is not enrolled", "unknown_party", lambda s: _shares(s, ("stranger", 1_000_000))),
    Case("shares a millionth short", "shares_do_not_sum", lambda s: _shares(s, ("carrier", 999_999))),
    Case(
        "shares a millionth over", "shares_do_not_sum", lambda s: _shares(s, ("carrier", 500_000), ("plant", 500_001))
    ),
    Case("a participant twice", "duplicate_member", lambda s: _shares(s, ("carrier", 500_000), ("carrier", 500_000))),
    Case("no evidence", "no_evidence", lambda s: s.world.claim(evidence=())),
    Case("too much evidence", "too_many", lambda s: _evidence_twice(s, same=False), {"evidence_max": 1}),
    Case("evidence twice", "duplicate_member", lambda s: _evidence_twice(s, same=True)),
    Case("an input is missing", "missing_input", lambda s: _with(s, {"energy": c.InputValue("1000", "MWh")})),
    Case("an input too many", "unknown_input", lambda s: _with(s, _inputs(wind=c.InputValue("1", "one")))),
    Case("an unknown unit", "unknown_unit", lambda s: _with(s, _inputs("1000", "furlong"))),
    Case("a unit of something else", "dimension_mismatch", lambda s: _with(s, _inputs("1000", "kg"))),
    Case("a unit that means the same", None, lambda s: _with(s, _inputs("1000000", "kWh"))),
    Case("an input above its bound", "input_out_of_bounds", lambda s: _using_bounded(s, "1000")),
    Case("an input at its bound", None, lambda s: _using_bounded(s, "999.999")),
    Case(
        "a division by an input of zero", "division_by_zero", lambda s: _using(s, _inputs("0"), baseline=_OWN_BY_ENERGY)
    ),
    Case("no reduction", "not_a_reduction", lambda s: _with(s, _inputs("0"))),
    Case("a reduction of exactly nothing", "not_a_reduction", lambda s: _with(s, _inputs("2"))),
    Case("one gram more", "quantification_differs", lambda s: _said(s, reduction="499000.001")),
    Case("one gram less", "quantification_differs", lambda s: _said(s, reduction="498999.999")),
    Case("a baseline that differs", "quantification_differs", lambda s: _said(s, baseline="500000.001")),
    Case("a figure that fits no amount", "amount_out_of_range", lambda s: _with(s, _inputs("999999999999999"))),
    Case("more than a 64-bit sum", "sum_out_of_range", _too_much),
    Case("the last day twice", "overlap", lambda s: _after_first(s, "2025-03-31", "2025-06-01")),
    Case("a period inside", "overlap", lambda s: _after_first(s, "2025-02-01", "2025-02-02", "carrier")),
    Case("periods that touch", None, lambda s: _after_first(s, "2025-04-01", "2025-06-01")),
    Case("periods that touch before", None, lambda s: _after_first(s, "2024-12-01", "2025-01-01", "carrier")),
    Case("another's claim is superseded", "not_the_author", _other_supersedes),
)
