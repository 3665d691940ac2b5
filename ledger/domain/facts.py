"""Everything that the page of a certificate shows, as plain facts and nothing about how it looks.

They come from the dossier and its checkpoint alone, so whoever holds the
certificate can gather them again and compare.

Units: `*_g` grams of CO2e; `*_ppm` parts per million; days as YYYY-MM-DD, the
    last one inclusive.
Source: RULES 7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.core.checkpoint import VerifiedCheckpoint
from ledger.core.strict import format_milliseconds
from ledger.domain.certificate import TEMPLATE
from ledger.domain.dossier import Dossier
from ledger.domain.period import format_day, parse_day
from ledger.domain.records import (
    ClaimRecord,
    MethodologyRecord,
    PartyRecord,
    ProgrammeRecord,
    TargetRecord,
)
from ledger.domain.statements.claim import Claim
from ledger.domain.statements.report import ClaimSet, Cumulative, PartyTotal, TotalRow
from ledger.domain.totals import party_grams
from ledger.domain.units import parse_grams
from ledger.errors import Malformed

GOAL_G = 1_500_000_000 * 1_000_000
GOAL_TITLE = "1.5 gigatonnes"


@dataclass(frozen=True, slots=True)
class ClaimFacts:
    """One claim of a certificate: its place in the log, and what of it the holder may call its own."""

    index: int
    entry_hash: str
    title: str
    lever: str
    kind: str
    first_day: str
    last_day: str
    amount_g: int
    methodology: str
    verifiers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MethodologyFacts:
    """A methodology that a claim rests on, and how far its figure can be recomputed."""

    name: str
    title: str
    quality: str
    approver: str


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a certificate shows."""

    template: str
    number: str
    programme: str
    holder: str
    about: str
    first_day: str
    last_day: str
    valid_until: str
    total_g: int
    claim_count: int
    by_kind: tuple[tuple[str, int], ...]
    by_lever: tuple[tuple[str, int], ...]
    by_scope: tuple[tuple[str, int], ...]
    goal_title: str
    goal_g: int
    goal_part_g: int
    claims: tuple[ClaimFacts, ...]
    methodologies: tuple[MethodologyFacts, ...]
    adoption: str
    verifiers: tuple[tuple[str, str], ...]
    challenges: str
    corrections: tuple[str, ...]
    index: int
    entry_hash: str
    recorded_at: str
    as_of_size: int
    origin: str
    size: int
    root: str
    witnesses: tuple[str, ...]
    status_url: str
    qr_text: str


def page_facts(dossier: Dossier, checkpoint: VerifiedCheckpoint) -> PageFacts:
    """The facts of a dossier under the checkpoint that proves it.

    Raises: Malformed `unknown_template`.
    """
    issue, state, certificate = dossier.issue, dossier.state, dossier.certificate
    if issue.template != TEMPLATE:
        raise Malformed("unknown_template", f"this release draws {TEMPLATE}, not {issue.template}")
    programme = state.get(ProgrammeRecord, "programme")
    assert programme is not None, "a folded dossier has its Programme"
    operator = programme.subject.operator.id
    claims = _claim_facts(dossier, operator)
    target = _goal(dossier)
    goal_g = GOAL_G if target is None else parse_grams(target.goal)
    url = f"{programme.subject.base_url.rstrip('/')}/certificates/{issue.number}"
    return PageFacts(
        template=issue.template,
        number=issue.number,
        programme=programme.subject.name,
        holder=_name(dossier, issue.holder),
        about="claims"
        if isinstance(issue.subject, ClaimSet)
        else "party"
        if isinstance(issue.subject, PartyTotal)
        else "programme",
        first_day=issue.period.start,
        last_day=_day_before(issue.period.end),
        valid_until=issue.valid_until,
        total_g=parse_grams(issue.totals.total),
        claim_count=issue.totals.claims,
        by_kind=_sums((row.kind, row) for row in issue.totals.rows),
        by_lever=_sums((row.lever, row) for row in issue.totals.rows),
        by_scope=_sums((row.programme_scope, row) for row in issue.totals.rows),
        goal_title=GOAL_TITLE if target is None else target.title,
        goal_g=goal_g,
        goal_part_g=_towards_goal(dossier, target, operator),
        claims=claims,
        methodologies=_methodologies(dossier),
        adoption=programme.subject.policy.adopts,
        verifiers=tuple(sorted({pair for claim in claims for pair in claim.verifiers})),
        challenges="none recorded",
        corrections=tuple(
            f"{one.index} ({type(one.statement.subject).__name__.lower()})"
            for one in dossier.carried
            if one.statement.kind == "Correction"
        ),
        index=certificate.index,
        entry_hash=certificate.entry_hash,
        recorded_at=format_milliseconds(certificate.entry.recorded_at_ms),
        as_of_size=issue.as_of_size,
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        witnesses=tuple(sorted(one.vkey.name for one in checkpoint.cosignatures)),
        status_url=url,
        qr_text=f"{url}#{certificate.index}.{certificate.entry_hash}",
    )


def claims_of(dossier: Dossier) -> tuple[ClaimRecord, ...]:
    """The claims that a certificate names, in its order; none for a total."""
    about = dossier.issue.subject
    found = [dossier.state.get(ClaimRecord, one.id) for one in about.claims] if isinstance(about, ClaimSet) else []
    return tuple(claim for claim in found if claim is not None)


def _claim_facts(dossier: Dossier, operator: str) -> tuple[ClaimFacts, ...]:
    said = {one.index: one.statement.subject for one in dossier.carried if one.statement.kind == "Claim"}
    facts = []
    for claim in claims_of(dossier):
        subject = said[claim.index]
        assert isinstance(subject, Claim), "a claim record stands at its Claim entry"
        holder = dossier.issue.holder
        facts.append(
            ClaimFacts(
                index=claim.index,
                entry_hash=claim.entry_hash,
                title=subject.title,
                lever=claim.lever,
                kind=claim.kind,
                first_day=subject.period.start,
                last_day=_day_before(subject.period.end),
                amount_g=claim.current_g if holder == operator else party_grams(claim).get(holder, 0),
                methodology=f"{claim.methodology}/{claim.methodology_version}",
                verifiers=tuple(
                    (_name(dossier, counting.verifier), counting.assurance)
                    for counting in claim.attestations
                    if counting.opinion != "disclaimed"
                ),
            )
        )
    return tuple(facts)


def _methodologies(dossier: Dossier) -> tuple[MethodologyFacts, ...]:
    used = sorted({(claim.methodology, claim.methodology_version) for claim in claims_of(dossier)})
    facts = []
    for name, version in used:
        record = dossier.state.get(MethodologyRecord, name, version)
        assert record is not None, "an accepted claim has its methodology"
        subject = record.subject
        facts.append(
            MethodologyFacts(f"{name}/{version}", subject.title, subject.quality, _name(dossier, record.approver))
        )
    return tuple(facts)


def _goal(dossier: Dossier) -> Cumulative | None:
    """The latest version of the cumulative goal that was published first."""
    goals = [one.subject for one in dossier.state.all(TargetRecord) if isinstance(one.subject, Cumulative)]
    return next((goal for goal in reversed(goals) if goal.id == goals[0].id), None)


def _towards_goal(dossier: Dossier, target: Cumulative | None, operator: str) -> int:
    """Grams of the certificate that count for the goal: its scopes and kinds, periods wholly inside its years.

    A total has no days of its own but the certificate's, so it counts in whole or not at all.
    """
    issue = dossier.issue
    if target is None:
        return sum(parse_grams(row.amount) for row in issue.totals.rows)
    start, end = parse_day(target.from_), parse_day(target.to)
    if isinstance(issue.subject, ClaimSet):
        return sum(
            claim.current_g if issue.holder == operator else party_grams(claim).get(issue.holder, 0)
            for claim in claims_of(dossier)
            if claim.scope in target.scopes
            and claim.kind in target.kinds
            and start <= claim.start_day
            and claim.end_day <= end
        )
    if not (start <= parse_day(issue.period.start) and parse_day(issue.period.end) <= end):
        return 0
    rows = (row for row in issue.totals.rows if row.programme_scope in target.scopes and row.kind in target.kinds)
    return sum(parse_grams(row.amount) for row in rows)


def _sums(rows: Iterable[tuple[str, TotalRow]]) -> tuple[tuple[str, int], ...]:
    """Grams by name, the largest first."""
    grams: dict[str, int] = {}
    for name, row in rows:
        grams[name] = grams.get(name, 0) + parse_grams(row.amount)
    return tuple(sorted(grams.items(), key=lambda item: (-item[1], item[0])))


def _name(dossier: Dossier, party: str) -> str:
    record = dossier.state.get(PartyRecord, party)
    return party if record is None else record.legal_name


def _day_before(day: str) -> str:
    return format_day(parse_day(day) - 1)
