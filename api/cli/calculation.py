"""An estimate on a terminal and as JSON: every step with its units, the exact value, and what is rounded where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import msgspec
from rich.console import Group
from rich.table import Table
from rich.text import Text

from api.cli.methods import Found
from api.cli.output import out, table
from ledger.domain.quantify import COMPONENTS
from ledger.domain.statements.claim import InputValue
from ledger.domain.statements.methodology import Factor, Methodology
from ledger.domain.steps import Calculation, Step, decimal_text
from ledger.domain.units import format_tonnes, parse_unit

TIMES = "\N{MULTIPLICATION SIGN}"
_ROUNDED = {"baseline": "down", "project": "up", "leakage": "up"}


def show(found: Found, inputs: Mapping[str, InputValue], made: Calculation) -> None:
    """Print an estimate step by step."""
    method = found.subject
    out.print(Text(method.title, "bold"))
    out.print(Text(f"{identity(method)} · {found.origin}", "dim"))
    out.print()
    given = table("input", "given", "", right=[1])
    for name, value in inputs.items():
        width = f" ± {_percent(value.uncertainty_ppm)}" if value.uncertainty_ppm else ""
        given.add_row(name, f"{group(value.value)} {value.unit}{width}", Text(method.inputs[name].meaning or "", "dim"))
    out.print(given)
    if found.factors:
        out.print()
        out.print(factor_table(found.factors))
    for component in COMPONENTS:
        steps = [one for one in made.steps if one.component == component]
        if steps:
            out.print()
            out.print(_component(component, steps, made))
    out.print()
    out.print(_result(made))
    out.print()
    for note in notes(found, inputs, made):
        out.print(Text(f"· {note}", "dim"))
    if made.estimate.reduction_g <= 0:
        out.print(Text("No reduction: this is shown as it is, and refused as a claim (not_a_reduction).", "bold red"))


def identity(method: Methodology) -> str:
    """A methodology in one line: name, version, kind, quality, family and GWP set."""
    gwp = f" · {method.gwp_set}" if method.gwp_set else ""
    return f"{method.id} version {method.version} · {method.kind} · {method.quality} · {method.family}{gwp}"


def factor_table(factors: Mapping[str, Factor]) -> Table:
    """Factors with value, place, basis and citation."""
    shown = table("factor", "value", "holds in", "basis", "source", right=[1])
    for name, one in factors.items():
        basis = one.gas_basis if one.gwp_set is None else f"{one.gas_basis} {one.gwp_set}"
        width = f" ± {_percent(one.uncertainty_ppm)}" if one.uncertainty_ppm else ""
        place = f"{one.region} {one.year}"
        shown.add_row(name, f"{group(one.value)} {one.unit}{width}", place, basis, Text(one.citation, "dim"))
    return shown


def _component(component: str, steps: list[Step], made: Calculation) -> Group:
    lines = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0), expand=False)
    lines.add_column(overflow="fold")
    lines.add_column(justify="right", no_wrap=True)
    for step in steps:
        words = [f"{'÷' if one.power < 0 else TIMES} {one.name}" for one in step.parts]
        head = step.term.coefficient + " " if step.term.coefficient != "1" else ""
        lines.add_row(Text((head + " ".join(words)).removeprefix(f"{TIMES} "), "cyan"), "")
        lines.add_row(Text(_numbers(step)), Text(f"{group(kilograms(step.grams))} kg"))
        if step.capped:
            lines.add_row(Text(f"cut off at the cap of {step.term.cap} kg", "yellow"), "")
    exact = made.exact_g[component]
    grams = getattr(made.estimate, f"{component}_g")
    rounding = "" if exact == grams else f", rounded {_ROUNDED[component]} to the gram"
    lines.add_row(Text(f"{component}{rounding}", "bold"), Text(f"{group(kilograms(Fraction(grams), 3))} kg", "bold"))
    return Group(Text(component.upper(), "bold dim"), lines)


def _numbers(step: Step) -> str:
    words = [] if step.term.coefficient == "1" else [step.term.coefficient]
    for one in step.parts:
        counted = f"{group(decimal_text(one.counted))} {one.unit}"
        if one.role == "input" and step.tiered and one.name == _tier_name(step):
            bounds = [f"beyond {step.term.beyond}"] if step.term.beyond else []
            bounds += [f"up to {step.term.up_to}"] if step.term.up_to else []
            counted += f" ({' and '.join(bounds)})"
        elif one.given_unit != one.unit:
            counted = f"{group(one.given)} {one.given_unit} (= {counted})"
        words.append(f"÷ {counted}" if one.power < 0 else counted)
    if step.conversion != 1:
        words.append(f"{group(decimal_text(step.conversion))} for the units")
    return f" {TIMES} ".join(words).replace(f"{TIMES} ÷", "÷")


def _tier_name(step: Step) -> str:
    return next(one.name for one in step.parts if one.role == "input")


def _result(made: Calculation) -> Table:
    result = made.estimate
    shown = table("", "kgCO2e", right=[1])
    shown.add_row("baseline", _kg(result.baseline_g))
    shown.add_row("- project", _kg(result.project_g))
    shown.add_row("- leakage", _kg(result.leakage_g))
    limit = _percent(made.deduction_above_ppm)
    shown.add_row(
        f"- deduction (uncertainty {_percent(result.uncertainty_ppm)}, deducted above {limit})", _kg(result.deduction_g)
    )
    style = "bold green" if result.reduction_g > 0 else "bold red"
    total = f"{_kg(result.reduction_g)}"
    shown.add_row(Text("= reduction", style), Text(total, style))
    shown.add_row(Text("  in tonnes", "dim"), Text(format_tonnes(result.reduction_g), "dim"))
    return shown


def notes(found: Found, inputs: Mapping[str, InputValue], made: Calculation) -> Iterator[str]:
    """What a reader must know beside the figure."""
    method = found.subject
    if method.quality == "reported":
        yield "Adopted: the registry's own figure, which cannot be recomputed; it is not additional to its issue."
    only = [name for name, one in found.factors.items() if one.gas_basis == "CO2"]
    only += [name for name, one in method.inputs.items() if parse_unit(one.unit).gas_basis == "CO2"]
    if only:
        yield f"Counts CO2 alone, no other gas, in: {', '.join(only)}."
    places = sorted({one.region for one in found.factors.values()} - {"world"})
    if places:
        yield f"A claim with it lies in {' and '.join(places)}."
    silent = [name for name, one in found.factors.items() if not one.uncertainty_ppm]
    if silent:
        yield f"No uncertainty is stated for: {', '.join(silent)}."
    if made.moved_g:
        moves = sorted(made.moved_g.items(), key=lambda pair: (-pair[1], pair[0]))
        yield "Moved by: " + ", ".join(f"{name} ± {group(kilograms(grams, 3))} kg" for name, grams in moves) + "."
    if method.gwp_set is not None and method.gwp_set not in found.policy.gwp_sets:
        yield f"The policy accepts {' and '.join(found.policy.gwp_sets)}: on {method.gwp_set} it cannot be published."


def as_json(found: Found, inputs: Mapping[str, InputValue], made: Calculation) -> dict[str, Any]:
    """The same account for machines: figures in grams, exact values as decimals and as fractions."""
    result = made.estimate
    return {
        **result._asdict(),
        "reduction_g": result.reduction_g,
        "refused_as_claim": result.reduction_g <= 0,
        "deduction_above_ppm": made.deduction_above_ppm,
        "methodology": {"id": found.subject.id, "version": found.subject.version, "kind": found.subject.kind}
        | {"quality": found.subject.quality, "gwp_set": found.subject.gwp_set, "title": found.subject.title},
        "origin": found.origin,
        "inputs": msgspec.to_builtins(dict(inputs)),
        "factors": msgspec.to_builtins(dict(found.factors)),
        "terms": [_term_json(one) for one in made.steps],
        "exact_g": {name: _exact(value) for name, value in made.exact_g.items()},
        "moved_g": {name: _exact(value) for name, value in made.moved_g.items()},
        "notes": list(notes(found, inputs, made)),
    }


def _term_json(step: Step) -> dict[str, Any]:
    return {
        "component": step.component,
        "number": step.number,
        "coefficient": step.term.coefficient,
        "names": [{**one._asdict(), "counted": _exact(one.counted)} for one in step.parts],
        "conversion": _exact(step.conversion),
        "grams": _exact(step.grams),
        "tiered": step.tiered,
        "capped": step.capped,
    }


def _exact(value: Fraction) -> dict[str, str]:
    return {"decimal": decimal_text(value), "fraction": f"{value.numerator}/{value.denominator}"}


def kilograms(grams: Fraction, decimals: int | None = None) -> str:
    """Grams in kilograms: exact, or with so many decimals, cut."""
    text = decimal_text(Fraction(grams, 1000))
    if decimals is None:
        return text
    whole, _, part = text.removesuffix("...").partition(".")
    return f"{whole}.{part[:decimals]:0<{decimals}}"


def _kg(grams: int) -> str:
    return group(kilograms(Fraction(grams), 3))


def group(number: str) -> str:
    """Plain digits with a comma at each thousand, for people to read."""
    sign, digits = ("-", number[1:]) if number.startswith("-") else ("", number)
    whole, dot, part = digits.partition(".")
    return f"{sign}{int(whole):,}{dot}{part}"


def _percent(ppm: int) -> str:
    return f"{decimal_text(Fraction(ppm, 10_000))} %"
