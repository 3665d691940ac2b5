"""`gigaton methodology`: what ships, what a draft lacks, and how a methodology of one place becomes one of another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.text import Text

from api.cli.estimating import FactorFiles
from api.cli.options import DEFAULT_DATA, Data, Json
from api.cli.output import EXIT_REFUSED, out, print_json, table


def register(app: typer.Typer) -> None:
    """Add the group of this file."""
    group = typer.Typer(no_args_is_help=True, help="Look up, check and draft methodologies and factor sets.")
    group.command("list")(list_shipped)
    group.command("show")(show)
    group.command("check")(check)
    group.command("draft")(draft)
    app.add_typer(group, name="methodology")


def list_shipped(
    factors: Annotated[bool, typer.Option("--factors", help="List the factor sets instead.")] = False,
    as_json: Json = False,
) -> None:
    """List what ships with gigaton; `gigaton find methodologies` lists what a ledger has published.

    Example:  gigaton methodology list
    """
    from api.methodologies import SHIPPED_FACTOR_SETS, SHIPPED_METHODOLOGIES, shipped_factor_set, shipped_methodology

    if factors:
        sets = [shipped_factor_set(name) for name in SHIPPED_FACTOR_SETS]
        if as_json:
            print_json([{"id": one.id, "factors": len(one.factors), "title": one.title} for one in sets])
            return
        shown = table("factor set", "factors", "title", right=[1])
        for one in sets:
            shown.add_row(one.id, str(len(one.factors)), Text(one.title, "dim"))
    else:
        methods = [shipped_methodology(name) for name in SHIPPED_METHODOLOGIES]
        if as_json:
            print_json([{name: getattr(one, name) for name in _LISTED} for one in methods])
            return
        shown = table("methodology", "kind", "GWP", "title")
        for method in methods:
            shown.add_row(method.id, method.kind, method.gwp_set or "", Text(method.title, "dim"))
    out.print(shown)


_LISTED = ("id", "version", "kind", "quality", "family", "sector", "gwp_set", "title", "source")


def show(
    name: Annotated[str, typer.Argument(help="Id of a methodology or of a shipped factor set, or a file.")],
    factors: FactorFiles = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show a methodology with its inputs, factors and terms, or the factors of a shipped set.

    Example:  gigaton methodology show storage-shift
    """
    from api.cli import calculation
    from api.cli.methods import find_anywhere
    from api.methodologies import SHIPPED_FACTOR_SETS, shipped_factor_set
    from api.methodologies.drafts import term_views

    if name in SHIPPED_FACTOR_SETS:
        chosen = shipped_factor_set(name)
        if as_json:
            print_json(chosen)
            return
        out.print(Text(chosen.title, "bold"))
        out.print(Text(f"{chosen.id} version {chosen.version} · {chosen.licence}", "dim"))
        out.print(calculation.factor_table({one.id: one for one in chosen.factors}))
        return
    found = find_anywhere(name, data=data, factor_files=factors or ())
    if as_json:
        print_json({**msgspec.to_builtins(found.subject), "origin": found.origin})
        return
    method = found.subject
    out.print(Text(method.title, "bold"))
    out.print(Text(f"{calculation.identity(method)} · {found.origin}", "dim"))
    out.print(Text(method.description or ""))
    out.print(Text(f"Source: {method.source}" if method.source else "", "dim"))
    shown = table("input", "unit", "bounds", "meaning")
    for label, one in method.inputs.items():
        bounds = f"{one.min or 0} to {one.max}" if one.max else f"from {one.min}" if one.min else ""
        shown.add_row(label, one.unit, bounds, Text(one.meaning or "", "dim"))
    out.print(shown)
    if found.factors:
        out.print(calculation.factor_table(found.factors))
    terms = table("term", "formula")
    for view in term_views(method, found.factors):
        terms.add_row(Text(view.path), Text(view.formula))
    out.print(terms)


def check(
    file: Annotated[Path, typer.Argument(help="The credentialSubject of a Methodology or FactorSet, as JSON.")],
    factors: FactorFiles = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Tell everything that is wrong with a draft, by the same code that would refuse it when it is published.

    With a ledger at --data its own factor sets and policy judge; else what ships, and the default policy.
    Ends with 1 when anything is wrong.

    Example:  gigaton methodology check my-method.json --factors my-factors.json
    """
    from api.cli.methods import desk_at
    from api.cli.writing import read_file
    from api.methodologies.drafts import judge
    from ledger.core.jws import STATEMENT_BYTES_MAX

    desk = desk_at(data, factors or ())
    judged = judge(read_file(file), find=desk.find, gwp_sets=desk.policy.gwp_sets)
    problems = [
        {"path": one.facts.get("path", ""), "code": one.code, "message": one.message, "remedy": one.remedy}
        for one in judged.problems
    ]
    if as_json:
        print_json(
            {
                "sound": not problems,
                "problems": problems,
                "notes": judged.notes,
                "terms": [one._asdict() for one in judged.terms],
                "factors": judged.factors,
                "statement_bytes": judged.statement_bytes,
                "statement_bytes_max": STATEMENT_BYTES_MAX,
                "judged_by": desk.origin,
            }
        )
    else:
        _print_checked(file, problems, judged, desk.origin, STATEMENT_BYTES_MAX)
    raise typer.Exit(EXIT_REFUSED if problems else 0)


def _print_checked(file: Path, problems: list[dict[str, Any]], judged: Any, origin: str, limit: int) -> None:
    if judged.terms:
        terms = table("term", "formula", "comes out in")
        for view in judged.terms:
            good = view.comes_out_in == "kgCO2e"
            terms.add_row(Text(view.path), Text(view.formula), Text(view.comes_out_in, "green" if good else "bold red"))
        out.print(terms)
    for name, one in judged.factors.items():
        place = "not found" if one is None else f"{one.value} {one.unit}, {one.region} {one.year}, {one.use}"
        out.print(Text.assemble(f"factor {name}: ", (place, "bold red" if one is None else "")))
    if judged.statement_bytes:
        out.print(Text(f"about {judged.statement_bytes:,} bytes signed, of {limit:,} at most", "dim"))
    out.print(Text(origin, "dim"))
    for problem in problems:
        out.print(
            Text.assemble((problem["code"], "bold red"), "  ", (problem["path"], "bold"), "  ", problem["message"])
        )
        out.print(Text.assemble(("   do: ", "dim"), problem["remedy"]))
    for note in judged.notes:
        out.print(Text(f"· {note}", "dim"))
    if problems:
        out.print(Text(f"{file}: {len(problems)} to mend", "bold red"))
    else:
        out.print(Text(f"{file}: nothing is wrong with it", "bold green"))


def draft(
    base: Annotated[str, typer.Argument(help="A methodology to start from, or registry-adoption.")],
    factor: Annotated[str | None, typer.Option("--factor", help="NAME=SET/FACTOR; SET/FACTOR if it has one.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="Id of the draft.")] = None,
    title: Annotated[str | None, typer.Option("--title", help="Title of the draft.")] = None,
    kind: Annotated[str, typer.Option("--kind", help="Of an adoption: reduction, avoided or removal.")] = "reduction",
    factors: FactorFiles = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Print a draft: the same formula with the factor of another place, or the adoption of a registry's issuances.

    Example:  gigaton methodology draft grid-displacement-cn --factor mee-electricity/cn-yn-2023 > yunnan.json
    """
    from api.cli.methods import desk_at, find_anywhere
    from api.methodologies import ADOPTION, adoption
    from api.methodologies.drafts import variant
    from ledger.domain.rules.v1.formulas import find_factor
    from ledger.domain.statements.methodology import FactorUse
    from ledger.errors import Malformed

    if base == ADOPTION:
        if id is None or title is None:
            raise typer.BadParameter("an adoption needs --id and --title", param_hint="BASE")
        try:
            made = adoption(id=id, title=title, kind=kind)
        except msgspec.ValidationError as error:
            raise Malformed("bad_schema", str(error)) from None
    else:
        found = find_anywhere(base, data=data, factor_files=factors or ())
        label, _, path = (factor or "").rpartition("=")
        name = label or (next(iter(found.subject.factors)) if len(found.subject.factors) == 1 else "")
        chosen, _, wanted = path.partition("/")
        if not name or not wanted:
            names = ", ".join(found.subject.factors) or "none"
            raise typer.BadParameter(f"name the factor as NAME=SET/FACTOR; {base} has {names}", param_hint="--factor")
        try:
            use = msgspec.convert({"set": chosen, "version": 1, "factor": wanted}, FactorUse)
        except msgspec.ValidationError as error:
            raise Malformed("bad_schema", f"{factor}: {error}") from None
        other = find_factor(use, desk_at(data, factors or ()).find, name=name)
        what = found.subject.title.partition(":")[0]
        made = variant(
            found.subject,
            name=name,
            use=use,
            factor=other,
            id=id or f"{found.subject.family}-{wanted}",
            title=title or f"{what}: {name} is {wanted} of {chosen} ({other.gas_basis})",
        )
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n")
