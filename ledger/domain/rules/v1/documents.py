"""FactorSet, Methodology and Target: what is published once under a version and never changed.

Source: RULES 1, 3 and 6.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.domain.ids import require_distinct
from ledger.domain.period import parse_whole_years
from ledger.domain.records import DocumentRecord, FactorSetRecord, MethodologyRecord, TargetRecord
from ledger.domain.rules.v1 import who
from ledger.domain.rules.v1.formulas import factor_set_problems, find_factor, methodology_problems
from ledger.domain.statements import Statement
from ledger.domain.statements.methodology import Factor, FactorSet, Methodology
from ledger.domain.statements.report import Cumulative, Intensity, Target
from ledger.domain.totals import Decision
from ledger.domain.view import Position, StateView
from ledger.errors import Conflict, Malformed, NotAllowed


def decide_factor_set(view: StateView, position: Position, statement: Statement, subject: FactorSet) -> Decision:
    """Emission factors with units that measure what they say."""
    who.require_author(view, statement, role="methodologist", purpose="publish")
    who.require_no_approval(statement)
    document = _next_version(view, statement, kind="FactorSet", id=subject.id, version=subject.version)
    for problem in factor_set_problems(subject):
        raise problem
    record = FactorSetRecord(
        id=subject.id,
        version=subject.version,
        index=position.index,
        issuer=statement.issuer,
        title=subject.title,
        factors=subject.factors,
    )
    return Decision((document, record))


def decide_methodology(view: StateView, position: Position, statement: Statement, subject: Methodology) -> Decision:
    """A formula whose every term comes out in kgCO2e, approved by an accreditor."""
    author = who.require_author(view, statement, role="methodologist", purpose="publish")
    approver = _require_accreditors_approval(view, statement)
    if approver == author.id:
        raise NotAllowed("not_independent", "a methodology is approved by another party than its author")
    document = _next_version(view, statement, kind="Methodology", id=subject.id, version=subject.version)

    def find(id: str, version: int) -> Sequence[Factor] | None:
        published = view.get(FactorSetRecord, id, version)
        return None if published is None else published.factors

    policy = who.require_programme(view).subject.policy
    for problem in methodology_problems(subject, find=find, gwp_sets=policy.gwp_sets):
        raise problem
    factors = {name: find_factor(use, find, name=name) for name, use in sorted(subject.factors.items())}
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
