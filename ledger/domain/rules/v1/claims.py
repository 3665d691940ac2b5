"""Claim: a reduction that can be recomputed to the gram and is counted once.

Source: RULES 2, 3 and 4 (quorum).
"""

from __future__ import annotations

from functools import lru_cache

from ledger.core.strict import timestamp_seconds
from ledger.domain import lifecycle
from ledger.domain.ids import require_country, require_distinct, require_one_spelling
from ledger.domain.period import Period, day_of_ms, format_day, parse_period
from ledger.domain.quantify import Formula, compile_formula, estimate
from ledger.domain.records import (
    ClaimRecord,
    ClaimStatus,
    CountedRecord,
    MethodologyRecord,
    PartyRecord,
    Record,
    RunningRecord,
    Share,
)
from ledger.domain.rules.v1 import who
from ledger.domain.statements import Statement
from ledger.domain.statements.claim import Claim, Evidence, Participant
from ledger.domain.statements.programme import Policy
from ledger.domain.totals import Decision, difference
from ledger.domain.units import GRAMS_A_TONNE, PPM, format_kg, parse_grams
from ledger.domain.view import Position, StateView
from ledger.errors import Conflict, Malformed, NotAllowed, Refused, Unsupported

# The running sum over all live claims. No sum of verified grams exceeds it, so bounding it bounds every 64-bit column.
EVERYTHING = ("", "", 0)
SUM_MAX_G = 2**62


def decide_claim(view: StateView, position: Position, statement: Statement, subject: Claim) -> Decision:
    """A new claim; with `supersedes` it takes the place of an older one in the same entry."""
    who.require_author(view, statement, role="claimant", purpose="claim")
    who.require_no_approval(statement)
    policy = who.require_programme(view).subject.policy
    if subject.disclosure != "open":
        raise Unsupported("confidential_reserved", "confidential claims are reserved for a later version of the rules")
    require_country(subject.country)
    if subject.region is not None and not subject.region.startswith(f"{subject.country}-"):
        raise Malformed("region_mismatch", f"{subject.region} is no region of {subject.country}", region=subject.region)
    period = _check_period(subject, position, policy)
    methodology = _find_methodology(view, subject, policy)
    _check_elsewhere(subject, methodology, policy)
    _check_participants(view, subject, policy)
    if not subject.evidence:
        raise Refused("no_evidence", "a claim rests on at least one piece of evidence")
    check_evidence(subject.evidence, policy)
    stated_g = _check_quantification(subject, methodology, policy)
    old = _find_superseded(view, statement, subject)
    _check_counted_once(view, subject, period, old)
    released = release_claim(view, old, position, superseded_by=statement.id) if old is not None else Decision(())
    running = _running(view, released, statement.issuer, subject.methodology.id, period.last_year)
    total_g = running.stated_g + stated_g
    everything = _running(view, released, *EVERYTHING)
    if everything.stated_g + stated_g > SUM_MAX_G:
        raise Refused("sum_out_of_range", "the stated reductions of all live claims would not fit a 64-bit sum")
    high = total_g >= policy.quorum_high_from_t * GRAMS_A_TONNE
    claim = ClaimRecord(
        id=statement.id,
        index=position.index,
        entry_hash=position.entry_hash,
        claimant=statement.issuer,
        methodology=subject.methodology.id,
        methodology_version=subject.methodology.version,
        kind=methodology.subject.kind,
        quality=methodology.subject.quality,
        scope=subject.programme_scope,
        lever=subject.lever,
        country=subject.country,
        registry="none" if subject.issued_elsewhere == "none" else subject.issued_elsewhere.registry,
        start_day=period.start,
        end_day=period.end,
        counted_by=subject.counted_by,
        shares=tuple(Share(one.party, one.share_ppm) for one in subject.participants),
        stated_g=stated_g,
        quorum=policy.quorum_high if high else policy.quorum,
        status="submitted",
        attestations=(),
        verified_g=0,
        reversed_g=0,
        current_g=0,
        lost_g=0,
        changed_index=position.index,
    )
    held = [CountedRecord(uri, period.start, claim.id, period.end, True) for uri in subject.counted_by]
    sums = (_plus(running, stated_g), _plus(everything, stated_g))
    return Decision((*released.records, claim, *held, *sums), (*released.sums, *difference(before=None, after=claim)))


def release_claim(
    view: StateView, claim: ClaimRecord, position: Position, *, superseded_by: str | None = None
) -> Decision:
    """What ends with a claim: its status, its hold on what it counts, its part of the running sum and of all totals."""
    status: ClaimStatus = "withdrawn" if superseded_by is None else "superseded"
    ended = lifecycle.end(claim, status=status, index=position.index, superseded_by=superseded_by)
    freed = [CountedRecord(uri, claim.start_day, claim.id, claim.end_day, False) for uri in claim.counted_by]
    year = Period(claim.start_day, claim.end_day).last_year
    running = []
    for key in ((claim.claimant, claim.methodology, year), EVERYTHING):
        before = view.get(RunningRecord, *key)
        assert before is not None, "a live claim is part of its claimant's running sum"
        running.append(_plus(before, -claim.stated_g))
    return Decision((ended, *freed, *running), difference(before=claim, after=ended))


def _plus(running: RunningRecord, grams: int) -> RunningRecord:
    return RunningRecord(running.claimant, running.methodology, running.year, running.stated_g + grams)


def _check_period(subject: Claim, position: Position, policy: Policy) -> Period:
    period = parse_period(start=subject.period.start, end=subject.period.end)
    today = day_of_ms(position.recorded_at_ms)
    if period.end > today:
        raise Refused(
            "period_not_ended",
            f"the period ends {subject.period.end}, after today {format_day(today)}",
            end=subject.period.end,
        )
    if period.days > policy.period_days_max:
        raise Refused(
            "period_too_long", f"{period.days} days; the programme allows {policy.period_days_max}", days=period.days
        )
    if today - period.end > policy.period_age_days_max:
        raise Refused(
            "period_too_old", f"ended {today - period.end} days ago; the programme allows {policy.period_age_days_max}"
        )
    return period


def _find_methodology(view: StateView, subject: Claim, policy: Policy) -> MethodologyRecord:
    wanted = subject.methodology
    record = view.get(MethodologyRecord, wanted.id, wanted.version)
    if record is None:
        raise Refused("unknown_methodology", f"no methodology {wanted.id} version {wanted.version}", id=wanted.id)
    if record.subject.gwp_set is not None and record.subject.gwp_set not in policy.gwp_sets:
        raise Refused(
            "gwp_set_mismatch", f"the programme accepts {', '.join(policy.gwp_sets)}", gwp_set=record.subject.gwp_set
        )
    places = {"world", subject.country, subject.region}
    for factor in record.factors.values():
        if factor.region not in places:
            raise Refused(
                "factor_region_mismatch",
                f"factor {factor.id} holds in {factor.region}, the claim is in {subject.country}",
                factor=factor.id,
            )
    return record


def _check_elsewhere(subject: Claim, methodology: MethodologyRecord, policy: Policy) -> None:
    elsewhere = subject.issued_elsewhere
    if elsewhere == "none":
        if methodology.subject.quality == "reported":
            raise Refused(
                "adoption_not_stated", "a reported figure names the registry that issued it in `issued_elsewhere`"
            )
        return
    if policy.adopts == "none" or (policy.adopts == "retired" and not elsewhere.retired_for_programme):
        raise Refused(
            "issued_elsewhere", f"already issued by {elsewhere.registry}; the programme adopts {policy.adopts}"
        )


def _check_participants(view: StateView, subject: Claim, policy: Policy) -> None:
    if len(subject.participants) > policy.participants_max:
        raise Refused("too_many", f"the programme allows {policy.participants_max} participants")
    require_distinct(tuple(_participant_name(one) for one in subject.participants), what="participants")
    for one in subject.participants:
        if one.party is not None and view.get(PartyRecord, one.party) is None:
            raise NotAllowed("unknown_party", f"{one.party} is not registered", party=one.party)
    shares = sum(one.share_ppm for one in subject.participants)
    if shares != PPM:
        raise Refused("shares_do_not_sum", f"the shares sum to {shares}, not to {PPM} parts per million", shares=shares)


def _participant_name(one: Participant) -> str:
    if (one.party is None) == (one.commitment is None):
        raise Malformed("bad_participant", "a participant is either a party or a commitment")
    return one.party or one.commitment or ""


def check_evidence(evidence: tuple[Evidence, ...], policy: Policy) -> None:
    """Raises: Refused `too_many`; Malformed `duplicate_member` or `bad_timestamp`."""
    if len(evidence) > policy.evidence_max:
        raise Refused("too_many", f"the programme allows {policy.evidence_max} pieces of evidence")
    require_distinct(tuple([one.digest for one in evidence]), what="evidence")
    for one in evidence:
        timestamp_seconds(one.collected_at)


def _check_quantification(subject: Claim, methodology: MethodologyRecord, policy: Policy) -> int:
    formula = _formula_of(methodology)
    result = estimate(formula, subject.inputs, deduction_above_ppm=policy.deduction_above_ppm)
    if result.reduction_g <= 0:
        raise Refused(
            "not_a_reduction",
            f"the inputs give {result.reduction_g} g, which is no reduction",
            grams=result.reduction_g,
        )
    stated = subject.quantification
    for name, grams in (
        ("baseline", result.baseline_g),
        ("project", result.project_g),
        ("leakage", result.leakage_g),
        ("deduction", result.deduction_g),
        ("reduction", result.reduction_g),
    ):
        said = getattr(stated, name)
        if parse_grams(said) != grams:
            recomputed = format_kg(grams)
            raise Refused(
                "quantification_differs",
                f"{name}: the claim says {said} kg, its inputs give {recomputed} kg",
                component=name,
                stated=said,
                recomputed=recomputed,
            )
    return result.reduction_g


# The cache saves compiling a formula for every claim; a record is found in it by its entry hash and compared in full.
@lru_cache(maxsize=256)
def _formula_of(methodology: MethodologyRecord) -> Formula:
    return compile_formula(methodology.subject, methodology.factors)


def _find_superseded(view: StateView, statement: Statement, subject: Claim) -> ClaimRecord | None:
    if subject.supersedes is None:
        return None
    who.require_entry(view, subject.supersedes, kind="Claim")
    old = view.get(ClaimRecord, subject.supersedes.id)
    assert old is not None, "a recorded Claim statement has a claim record"
    if old.claimant != statement.issuer:
        raise NotAllowed("not_the_author", f"claim {old.index} belongs to {old.claimant}", author=old.claimant)
    lifecycle.require("supersede", old)
    return old


def _check_counted_once(view: StateView, subject: Claim, period: Period, old: ClaimRecord | None) -> None:
    require_distinct(subject.counted_by, what="counted_by")
    for uri in subject.counted_by:
        require_one_spelling(uri)
        held = view.overlapping(uri=uri, period=period, ignoring=None if old is None else old.id)
        if held is not None:
            other = view.get(ClaimRecord, held.claim)
            assert other is not None, "a hold belongs to a claim"
            raise Conflict(
                "overlap",
                f"claim {other.index} counts {uri} from {format_day(held.start_day)} to {format_day(held.end_day)}",
                uri=uri,
                claim=other.id,
                index=other.index,
            )


def _running(view: StateView, released: Decision, claimant: str, methodology: str, year: int) -> RunningRecord:
    """The running sum before this claim, after what it supersedes has left it."""
    key = (claimant, methodology, year)
    changed: list[Record] = [one for one in released.records if isinstance(one, RunningRecord) and one.identity == key]
    if changed and isinstance(changed[0], RunningRecord):
        return changed[0]
    return view.get(RunningRecord, *key) or RunningRecord(*key, 0)
