"""FactorSet, Methodology and Target: what is published once under a version and never changed.

Source: RULES 1, 3 and 6.
"""

from __future__ import annotations

from ledger.domain.ids import require_country, require_distinct
from ledger.domain.period import parse_whole_years
from ledger.domain.quantify import compile_formula
from ledger.domain.records import DocumentRecord, FactorSetRecord, MethodologyRecord, TargetRecord
from ledger.domain.rules.v1 import who
from ledger.domain.statements import Statement
from ledger.domain.statements.methodology import Factor, FactorSet, Methodology
from ledger.domain.statements.report import Cumulative, Intensity, Target
from ledger.domain.totals import Decision
from ledger.domain.units import parse_unit
from ledger.domain.view import Position, StateView
from ledger.errors import Conflict, Malformed, NotAllowed, Refused


def decide_factor_set(view: StateView, position: Position, statement: Statement, subject: FactorSet) -> Decision:
    """Emission factors with units that measure what they say."""
    who.require_author(view, statement, role="methodologist", purpose="publish")
    who.require_no_approval(statement)
    document = _next_version(view, statement, kind="FactorSet", id=subject.id, version=subject.version)
    require_distinct(tuple(factor.id for factor in subject.factors), what="factors")
    for factor in subject.factors:
        _check_factor(factor)
    record = FactorSetRecord(
        id=subject.id,
        version=subject.version,
        index=position.index,
        issuer=statement.issuer,
        title=subject.title,
        factors=subject.factors,
    )
    return Decision((document, record))


def _check_factor(factor: Factor) -> None:
    unit = parse_unit(factor.unit)
    if dict(unit.dimensions).get("co2e") != 1 or unit.gas_basis != factor.gas_basis:
        raise Malformed(
            "dimension_mismatch",
            f"factor {factor.id}: {factor.unit} is no emission of {factor.gas_basis}",
            factor=factor.id,
        )
    if (factor.gwp_set is None) == (factor.gas_basis == "CO2e"):
        raise Malformed(
            "gwp_set_mismatch", f"factor {factor.id}: CO2e names its GWP set, CO2 names none", factor=factor.id
        )
    if factor.region != "world":
        require_country(factor.region[:2])


def decide_methodology(view: StateView, position: Position, statement: Statement, subject: Methodology) -> Decision:
    """A formula whose every term comes out in kgCO2e, approved by an accreditor."""
    author = who.require_author(view, statement, role="methodologist", purpose="publish")
    approver = _require_accreditors_approval(view, statement)
    if approver == author.id:
        raise NotAllowed("not_independent", "a methodology is approved by another party than its author")
    document = _next_version(view, statement, kind="Methodology", id=subject.id, version=subject.version)
    both = set(subject.inputs) & set(subject.factors)
    if both:
        raise Malformed("duplicate_member", f"{sorted(both)[0]!r} names an input and a factor", what=sorted(both)[0])
    factors = {name: _find_factor(view, subject, name) for name in sorted(subject.factors)}
    compile_formula(subject, factors)
    if subject.quality == "reported":
        _check_adoption(subject)
    policy = who.require_programme(view).subject.policy
    if subject.gwp_set is not None and subject.gwp_set not in policy.gwp_sets:
        raise Refused(
            "gwp_set_mismatch", f"the programme accepts {', '.join(policy.gwp_sets)}", gwp_set=subject.gwp_set
        )
    record = MethodologyRecord(
        id=subject.id,
        version=subject.version,
        index=position.index,
        entry_hash=position.entry_hash,
        issuer=statement.issuer,
        approver=approver,
        subject=subject,
        factors=factors,
    )
    return Decision((document, record))


def _require_accreditors_approval(view: StateView, statement: Statement) -> str:
    if len(statement.signers) != 2:
        raise NotAllowed(
            "missing_approval", "a methodology carries its author's signature and one accreditor's approval"
        )
    approval = statement.signers[1]
    who.require_role(who.require_party(view, approval.party), "accreditor")
    who.require_key(view, approval, purpose="accredit")
    return approval.party


def _find_factor(view: StateView, subject: Methodology, name: str) -> Factor:
    use = subject.factors[name]
    published = view.get(FactorSetRecord, use.set, use.version)
    found = [] if published is None else [factor for factor in published.factors if factor.id == use.factor]
    if not found:
        raise Refused("unknown_factor", f"no factor {use.factor} in {use.set} version {use.version}", name=name)
    factor = found[0]
    if factor.use != "intervention":
        raise Refused("wrong_factor_use", f"factor {use.factor} is for inventories, not for interventions", name=name)
    if factor.gwp_set is not None and factor.gwp_set != subject.gwp_set:
        raise Refused("gwp_set_mismatch", f"factor {use.factor} is on {factor.gwp_set}", name=name)
    return factor


def _check_adoption(subject: Methodology) -> None:
    """A registry's own figure, taken over and shown as not recomputable (RULES 3)."""
    given = subject.inputs.get("issued")
    one_term = len(subject.baseline) == 1 and subject.baseline[0]
    adopts = (
        len(subject.inputs) == 1
        and given is not None
        and given.unit == "tCO2e"
        and one_term
        and one_term.coefficient == "1"
        and [(one.name, one.power) for one in one_term.factors] == [("issued", 1)]
        and (one_term.up_to, one_term.beyond, one_term.cap) == (None, None, None)
        and not (subject.project or subject.leakage or subject.factors)
    )
    if not adopts:
        raise Malformed("bad_adoption", "reported quality has one input `issued` in tCO2e, which is the whole baseline")


def decide_target(view: StateView, position: Position, statement: Statement, subject: Target) -> Decision:
    """A goal over whole calendar years."""
    who.require_author(view, statement, role="operator", purpose="publish")
    who.require_no_approval(statement)
    document = _next_version(view, statement, kind="Target", id=subject.id, version=subject.version)
    require_distinct(subject.scopes, what="scopes")
    years = parse_whole_years(start=subject.from_, end=subject.to)
    if isinstance(subject, Cumulative):
        require_distinct(subject.kinds, what="kinds")
        if subject.goal == "0.000":
            raise Malformed("bad_goal", "a cumulative goal is above zero")
    if isinstance(subject, Intensity) and subject.base_year > years.last_year:
        raise Malformed("bad_goal", "the base year lies after the target", base_year=subject.base_year)
    return Decision((document, TargetRecord(subject.id, subject.version, position.index, subject)))


def _next_version(view: StateView, statement: Statement, *, kind: str, id: str, version: int) -> DocumentRecord:
    latest = view.get(DocumentRecord, kind, id)
    if latest is not None and latest.issuer != statement.issuer:
        raise NotAllowed("not_the_author", f"{kind} {id} belongs to {latest.issuer}", id=id)
    expected = 1 if latest is None else latest.version + 1
    if version != expected:
        raise Conflict("version_not_next", f"the next version of {kind} {id} is {expected}", version=version)
    return DocumentRecord(kind, id, statement.issuer, version)  # type: ignore[arg-type]
