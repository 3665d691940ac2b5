"""A draft of a methodology or factor set, judged at home: every problem at once, by the rule book's own code.

What the schema refuses is found member by member, so that an author mends a
file in one go; what the rules refuse comes from `ledger.domain.rules`, which
the server and the auditor run too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, get_type_hints

import msgspec

from ledger.core.jws import Kid, jws_size
from ledger.domain.quantify import COMPONENTS
from ledger.domain.rules.v1.formulas import FindSet, factor_set_problems, methodology_problems
from ledger.domain.statements import write_payload
from ledger.domain.statements.methodology import Factor, FactorSet, FactorUse, Input, Methodology, Term
from ledger.domain.units import CO2E, dimensions_of, parse_unit
from ledger.errors import LedgerError, Malformed, Refused

PROBLEMS_MAX = 200
# Names as long as they usually are: the size that is told is near enough to know whether a draft fits.
_SIGNER = Kid("https://methodologist.example/parties/organisation-00000000", bytes(32))
_LEDGER = "ledger.methodologist.example/log#" + "0" * 64
_PARTS: dict[str, type] = {"inputs": Input, "factors": FactorUse, "baseline": Term, "project": Term, "leakage": Term}
_WHERE = re.compile(r"(.*?)(?: - at `\$?(.*)`)?\Z", re.DOTALL)

Draft = Methodology | FactorSet


class TermView(NamedTuple):
    """A term in words, and the dimension that it comes out in."""

    path: str
    formula: str
    comes_out_in: str


class Judged(NamedTuple):
    """What a draft is, what is wrong with it, what is merely odd, and how large a statement it makes."""

    draft: Draft | None
    problems: list[LedgerError]
    notes: list[str]
    terms: list[TermView]
    factors: dict[str, Factor | None]
    statement_bytes: int


def judge(raw: bytes, *, find: FindSet, gwp_sets: Sequence[str]) -> Judged:
    """Judge the bytes of a draft. Never raises for what stands in them."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        return _failed([Malformed("not_json", str(error))])
    if not isinstance(body, dict):
        return _failed([Malformed("bad_schema", "a draft is one JSON object", path="$")])
    kind: type[Draft] = FactorSet if isinstance(body.get("factors"), list) else Methodology
    problems: list[LedgerError] = list(_schema_problems(body, kind))
    if problems:
        return _failed(problems[:PROBLEMS_MAX])
    draft: Draft = msgspec.convert(body, kind)
    found: list[Refused] = (
        list(factor_set_problems(draft))
        if isinstance(draft, FactorSet)
        else list(methodology_problems(draft, find=find, gwp_sets=gwp_sets))
    )
    size = 0
    try:
        size = _size(draft)
    except Malformed as problem:
        found.append(problem)
    factors: dict[str, Factor | None] = {}
    if isinstance(draft, Methodology):
        for name, use in draft.factors.items():
            factors[name] = next((one for one in find(use.set, use.version) or () if one.id == use.factor), None)
    terms = term_views(draft, factors) if isinstance(draft, Methodology) else []
    return Judged(draft, list(found[:PROBLEMS_MAX]), _notes(draft), terms, factors, size)


def require_sound(judged: Judged) -> Draft:
    """The draft, if nothing is wrong with it.

    Raises: its first problem.
    """
    if judged.problems:
        raise judged.problems[0]
    assert judged.draft is not None, "a draft without problems has been read"
    return judged.draft


def _failed(problems: list[LedgerError]) -> Judged:
    return Judged(None, problems, [], [], {}, 0)


def _schema_problems(body: dict[str, Any], kind: type[Draft]) -> list[Malformed]:
    """The schema's refusals, one a member; of lists and maps, one an element."""
    found: list[Malformed] = []
    types = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in body:
            if field.required:
                found.append(Malformed("bad_schema", f"the member `{field.encode_name}` is missing", path=field.name))
            continue
        found += _member_problems(field.encode_name, body[field.encode_name], types[field.name], kind)
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    found += [
        Malformed("bad_schema", f"there is no member `{name[:64]}`", path=name[:64])
        for name in sorted(set(body) - known)
    ]
    return found


def _member_problems(name: str, value: Any, type_: Any, kind: type[Draft]) -> list[Malformed]:
    part = Factor if kind is FactorSet and name == "factors" else _PARTS.get(name) if kind is Methodology else None
    elements: list[tuple[str, Any]] = []
    if part is not None and isinstance(value, list):
        elements = [(f"{name}[{number}]", one) for number, one in enumerate(value)]
    elif part is not None and isinstance(value, dict):
        elements = [(f"{name}.{key}", one) for key, one in value.items()]
    found = [problem for path, one in elements if (problem := _converts(one, part, path)) is not None]
    if found:
        return found
    whole = _converts(value, type_, name)
    return [] if whole is None else [whole]


def _converts(value: Any, type_: Any, path: str) -> Malformed | None:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        matched = _WHERE.match(str(error))
        assert matched is not None, "the pattern matches every text"
        return Malformed("bad_schema", matched[1], path=f"{path}{matched[2] or ''}")
    return None


def _size(draft: Draft) -> int:
    """Bytes of the signed statement: a methodology carries two signatures, a factor set one.

    Raises: Malformed `bad_text`, `too_large`.
    """
    payload = write_payload(
        kind=type(draft).__name__,
        subject=draft,
        id="urn:uuid:00000000-0000-7000-8000-000000000000",
        issuer=_SIGNER.party,
        ledger=_LEDGER,
        valid_from="2026-01-01T00:00:00Z",
    )
    return jws_size(len(payload), [_SIGNER] * (2 if isinstance(draft, Methodology) else 1))


def term_views(draft: Methodology, factors: Mapping[str, Factor | None]) -> list[TermView]:
    """Each term with its units, so that an author sees where one does not cancel."""
    units = {name: declared.unit for name, declared in draft.inputs.items()}
    units |= {name: factor.unit for name, factor in factors.items() if factor is not None}
    views = []
    for component in COMPONENTS:
        for number, term in enumerate(getattr(draft, component)):
            words = [f"{'/ ' if one.power < 0 else ''}{one.name} [{units.get(one.name, '?')}]" for one in term.factors]
            formula = " x ".join(words if term.coefficient == "1" else [term.coefficient, *words]).replace(
                " x / ", " / "
            )
            views.append(TermView(f"{component}[{number}]", formula, _dimension(term, units)))
    return views


def _dimension(term: Term, units: dict[str, str]) -> str:
    powers: dict[str, int] = {}
    try:
        for one in term.factors:
            for dimension, exponent in parse_unit(units.get(one.name, "?")).dimensions:
                powers[dimension] = powers.get(dimension, 0) + one.power * exponent
    except Malformed:
        return "?"
    found = dimensions_of(powers)
    if found == CO2E:
        return "kgCO2e"
    return " ".join(name if power == 1 else f"{name}^{power}" for name, power in found) or "a plain number"


def _notes(draft: Draft) -> list[str]:
    """What is allowed and yet worth a second look."""
    if isinstance(draft, FactorSet):
        unsure = sum(one.uncertainty_ppm == 0 for one in draft.factors)
        notes = [f"{unsure} of {len(draft.factors)} factors state no uncertainty"] if unsure else []
        return notes + ([] if draft.licence else ["no licence of the data is stated"])
    terms = (*draft.baseline, *draft.project, *draft.leakage)
    used = {one.name for term in terms for one in term.factors}
    notes = [f"input {name} stands in no term" for name in draft.inputs if name not in used]
    notes += [f"factor {name} stands in no term" for name in draft.factors if name not in used]
    notes += [f"{name} is not stated" for name in ("description", "source") if getattr(draft, name) is None]
    return notes


def variant(base: Methodology, *, name: str, use: FactorUse, factor: Factor, id: str, title: str) -> Methodology:
    """The same formula with one factor replaced: how a methodology of a country becomes one of a province.

    Raises: Malformed `unknown_name` when the methodology has no such factor, `bad_schema`.
    """
    if name not in base.factors:
        raise Malformed("unknown_name", f"{base.id} has no factor named {name!r}", name=name)
    body = msgspec.to_builtins(base)
    gwp = {} if factor.gwp_set is None else {"gwp_set": factor.gwp_set}
    changed = {"id": id, "version": 1, "title": title, "factors": {**body["factors"], name: msgspec.to_builtins(use)}}
    try:
        return msgspec.convert({**body, **changed, **gwp}, Methodology)
    except msgspec.ValidationError as error:
        raise Malformed("bad_schema", str(error)) from None
