"""Totals of certificates, for claim sets, parties and the programme, against brute force over what was recorded.

The expected side knows only what each step of the history said: it adds up
amounts, losses and shares itself, with fractions, and never asks the state.

Source: RULES 5 and 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.domain.records import CertificateRecord
from ledger.domain.statements import claim as c
from ledger.domain.statements import members as m
from ledger.domain.statements import report as r
from ledger.errors import Conflict, Refused
from tests.domain.scene import Scene

KINDS = {"reduction": "grid-displacement", "avoided": "second-hand", "removal": "planting"}
PARTIES = ("carrier", "plant", "operator")
PERIODS = (
    ("2023-01-01", "2024-01-01"),
    ("2023-12-31", "2024-01-02"),
    ("2024-01-01", "2024-01-02"),
    ("2024-06-01", "2025-01-01"),
    ("2025-01-01", "2026-01-01"),
    ("2024-12-01", "2025-12-01"),
)
WINDOWS = (("2023-01-01", "2026-01-01"), ("2024-01-01", "2025-01-01"), ("2025-01-01", "2026-01-01"))

Row = tuple[str, str, str]


def kilograms(grams: int) -> str:
    """The one spelling of an amount."""
    return f"{grams // 1000}.{grams % 1000:03d}"


@dataclass
class Said:
    """What a history said of one claim."""

    reference: m.Reference
    row: Row
    start: str
    end: str
    shares: tuple[tuple[str | None, int], ...]
    grams: int = 0

    def owned(self, party: str) -> int:
        """Of what counts, this party's floor, and the remainder if it is the first."""
        floors = [int(Fraction(self.grams * ppm, 1_000_000)) for _, ppm in self.shares]
        floors[0] += self.grams - sum(floors)
        return sum(part for part, (name, _) in zip(floors, self.shares, strict=True) if name == party)


class History:
    """A log with claims of every scope, kind, lever and share."""

    def __init__(self) -> None:
        self.scene = Scene({})
        self.scene.log.add_all(self.scene.world.founding())
        for kind, name in KINDS.items():
            if kind != "reduction":
                self.scene.log.add(self.scene.world.methodology(self.scene.world.grid_subject(id=name, kind=kind)))
        self.said: list[Said] = []

    def claim(
        self, row: Row, days: tuple[str, str], shares: tuple[tuple[str | None, int], ...], grams: int, lost_g: int = 0
    ) -> Said:
        """A claim of which `grams` are verified (none: it is left as submitted), some of them lost again."""
        scope, kind, lever = row
        number = len(self.said)
        reference = self.scene.claimed(
            start=days[0],
            end=days[1],
            counted_by=(f"meter:{number}",),
            programme_scope=scope,
            lever=lever,
            methodology=m.DocumentRef(KINDS[kind], 1),
            participants=tuple(
                c.Participant(role="owner", scope="2", share_ppm=ppm, party=self.party(name))
                if name
                else c.Participant(role="owner", scope="2", share_ppm=ppm, commitment=f"{at:064x}")
                for at, (name, ppm) in enumerate(shares)
            ),
        )
        if grams:
            self.scene.attested(reference, kilograms(grams), opinion="modified")
        if lost_g:
            self.scene.corrected(c.Reverse, reference, amount=kilograms(lost_g))
        said = Said(reference, row, *days, shares, grams - lost_g)
        self.said.append(said)
        return said

    def party(self, name: str) -> str:
        return self.scene.world.party_id(name)

    def expected(self, claims: list[Said], party: str | None) -> r.CertificateTotals | None:
        """Totals by brute force: of a party's shares, or of the whole."""
        rows: dict[Row, list[int]] = {}
        for said in claims:
            grams = said.grams if party is None else said.owned(party)
            if grams:
                rows.setdefault(said.row, []).append(grams)
        if not rows:
            return None
        return r.CertificateTotals(
            total=kilograms(sum(sum(parts) for parts in rows.values())),
            claims=sum(len(parts) for parts in rows.values()),
            rows=tuple(r.TotalRow(*row, kilograms(sum(rows[row])), len(rows[row])) for row in sorted(rows)),  # type: ignore[arg-type]
        )

    def issue(
        self,
        totals: r.CertificateTotals | None,
        holder: str,
        about: Any,
        window: tuple[str, str],
        number: str = "TEST-1",
    ) -> None:
        """Issue a certificate; None where it must be refused because there is nothing to certify."""
        given_ = totals or r.CertificateTotals("0.001", 1, (r.TotalRow("3+", "reduction", "other", "0.001", 1),))
        statement = self.scene.issue(
            number=number, holder=self.party(holder), subject=about, period=c.Days(*window), totals=given_
        )
        if totals is not None:
            self.scene.log.add(statement)
            assert self.scene.log.state.get(CertificateRecord, number) is not None
            return
        with pytest.raises(Refused) as refused:
            self.scene.log.add(statement)
        assert refused.value.code == "nothing_to_certify"

    def total(self, party: str | None, window: tuple[str, str], number: str = "TEST-1") -> None:
        """Issue the certificate of a party's or the programme's total, as brute force has it."""
        inside = [said for said in self.said if window[0] <= said.start and said.end <= window[1]]
        about = r.ProgrammeTotal() if party is None else r.PartyTotal(self.party(party))
        self.issue(self.expected(inside, party), party or "operator", about, window, number)


def split(weights: list[int], names: tuple[str | None, ...]) -> tuple[tuple[str | None, int], ...]:
    """Shares that sum to a million, the rest going to the last."""
    ppm = [weight * 1_000_000 // sum(weights) for weight in weights]
    ppm[-1] += 1_000_000 - sum(ppm)
    return tuple(zip(names[: len(ppm)], ppm, strict=True))


ROWS = st.tuples(
    st.sampled_from(["1", "3+"]), st.sampled_from(sorted(KINDS)), st.sampled_from(["logistics", "clean-energy"])
)
SHARES = st.builds(
    split,
    st.lists(st.integers(1, 1000), min_size=1, max_size=4),
    st.permutations((*PARTIES, None)).map(tuple),
)
GRAMS = st.sampled_from([0, 1, 2, 3, 100_001, 498_999_999, 499_000_000])


@settings(max_examples=40)
@given(st.lists(st.tuples(ROWS, st.sampled_from(PERIODS), SHARES, GRAMS, GRAMS), min_size=1, max_size=6))
def test_any_history_gives_the_totals_of_brute_force(steps: list[Any]) -> None:
    history = History()
    for row, days, shares, grams, lost_g in steps:
        history.claim(row, days, shares, grams, min(lost_g, grams))
    number = 0
    for party in (None, *PARTIES):
        for window in WINDOWS:
            history.total(party, window, f"TEST-{number}")
            number += 1


# By hand: thirds of 100,001 g, one gram of loss, a claim over a new year, a claim that is only stated.
THIRDS: tuple[tuple[str | None, int], ...] = (("plant", 333_333), (None, 333_333), ("carrier", 333_334))
SOLAR: Row = ("3+", "reduction", "clean-energy")
FREIGHT: Row = ("3+", "avoided", "logistics")
OWN: Row = ("1", "reduction", "clean-energy")


@pytest.fixture
def history() -> History:
    """Five claims that count, in an order that no total keeps, two of them in one cell; and one that does not."""
    history = History()
    history.claim(SOLAR, ("2024-01-01", "2024-07-01"), THIRDS, 100_001)
    history.claim(FREIGHT, ("2024-01-01", "2025-01-01"), (("carrier", 1_000_000),), 5_000, lost_g=1)
    history.claim(SOLAR, ("2023-12-31", "2024-01-02"), (("carrier", 1_000_000),), 70_000)
    history.claim(OWN, ("2024-02-01", "2024-03-01"), (("plant", 1), ("carrier", 999_999)), 1)
    history.claim(OWN, ("2024-02-01", "2024-03-01"), (("plant", 1_000_000),), 0)
    history.claim(SOLAR, ("2024-03-01", "2024-04-01"), (("plant", 1_000_000),), 10)
    return history


def row(key: Row, amount: str, claims: int = 1) -> r.TotalRow:
    return r.TotalRow(*key, amount, claims)  # type: ignore[arg-type]


YEAR = ("2024-01-01", "2025-01-01")
BY_HAND = {
    "programme": (
        "operator",
        r.CertificateTotals("105.011", 4, (row(OWN, "0.001"), row(FREIGHT, "4.999"), row(SOLAR, "100.011", 2))),
    ),
    # Of 100,001 g: 33,333 each, and the 2 g that remain to the plant, which stands first; so does its 1 g.
    "plant": ("plant", r.CertificateTotals("33.346", 3, (row(OWN, "0.001"), row(SOLAR, "33.345", 2)))),
    "carrier": ("carrier", r.CertificateTotals("38.332", 2, (row(FREIGHT, "4.999"), row(SOLAR, "33.333")))),
}


def about(history: History, what: str) -> Any:
    return r.ProgrammeTotal() if what == "programme" else r.PartyTotal(history.party(what))


@pytest.mark.parametrize("what", BY_HAND)
def test_a_total_is_what_was_worked_out_by_hand(history: History, what: str) -> None:
    holder, totals = BY_HAND[what]
    history.issue(totals, holder, about(history, what), YEAR)
    assert (
        history.expected([one for one in history.said if one.start >= YEAR[0]], None if what == "programme" else what)
        == totals
    )


@pytest.mark.parametrize("what", BY_HAND)
@pytest.mark.parametrize("wrong", ["a gram more", "a claim more", "another order", "a row less"])
def test_any_other_total_is_refused(history: History, what: str, wrong: str) -> None:
    holder, totals = BY_HAND[what]
    touched = {
        "a gram more": {"total": kilograms(int(totals.total.replace(".", "")) + 1)},
        "a claim more": {"claims": totals.claims + 1},
        "another order": {"rows": totals.rows[::-1]},
        "a row less": {"rows": totals.rows[1:]},
    }[wrong]
    with pytest.raises(Conflict) as refused:
        history.issue(msgspec.structs.replace(totals, **touched), holder, about(history, what), YEAR)
    assert (refused.value.code, refused.value.facts["total"]) == ("stale", totals.total)


@pytest.mark.parametrize(
    ("holder", "named", "totals"),
    [
        ("operator", (0, 1), r.CertificateTotals("105.000", 2, (row(FREIGHT, "4.999"), row(SOLAR, "100.001")))),
        ("operator", (2, 0), r.CertificateTotals("170.001", 2, (row(SOLAR, "170.001", 2),))),
        ("carrier", (0, 1, 2), r.CertificateTotals("108.332", 3, (row(FREIGHT, "4.999"), row(SOLAR, "103.333", 2)))),
        ("plant", (3, 0), r.CertificateTotals("33.336", 2, (row(OWN, "0.001"), row(SOLAR, "33.335")))),
    ],
)
def test_named_claims_give_the_whole_to_the_operator_and_its_own_shares_to_a_party(
    history: History, holder: str, named: tuple[int, ...], totals: r.CertificateTotals
) -> None:
    claims = r.ClaimSet(tuple(history.said[at].reference for at in named))
    history.issue(totals, holder, claims, ("2023-12-31", "2025-01-01"))
    record = history.scene.log.state.get(CertificateRecord, "TEST-1")
    assert record is not None
    assert record.claims == tuple(one.id for one in claims.claims)


@pytest.mark.parametrize(
    ("holder", "named", "window", "code"),
    [
        ("plant", (0, 1), YEAR, "holder_not_participant"),  # no part in the second
        ("carrier", (3,), YEAR, "holder_not_participant"),  # its floor of 1 g is nothing
        ("operator", (0, 2), YEAR, "outside_period"),  # the second begins a day early
        ("operator", (0, 4), YEAR, "wrong_status"),  # the second is only stated
    ],
)
def test_one_claim_that_does_not_belong_refuses_the_whole_set(
    history: History, holder: str, named: tuple[int, ...], window: tuple[str, str], code: str
) -> None:
    claims = r.ClaimSet(tuple(history.said[at].reference for at in named))
    with pytest.raises(Refused) as refused:
        history.issue(BY_HAND["programme"][1], holder, claims, window)
    assert refused.value.code == code


@pytest.mark.parametrize("step", [c.Suspend, c.Withdraw])
def test_what_stops_counting_leaves_every_total(history: History, step: type[Any]) -> None:
    history.scene.corrected(step, history.said[0].reference)
    history.said[0].grams = 0
    for number, party in enumerate((None, *PARTIES)):
        history.total(party, YEAR, f"TEST-{number}")
    if step is c.Suspend:
        history.scene.corrected(c.Reinstate, history.said[0].reference)
        history.said[0].grams = 100_001
        history.total(None, YEAR, "TEST-9")
