"""The report of an audit for people, readable in 80 columns."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from verifier.report import Report, Sums

_LINES_MAX = 12


def print_report(out: Console, found: Report, bundle: Path) -> None:
    """Verdict first, then what it rests on."""
    style = {0: "bold green", 3: "bold yellow"}.get(found.exit_code, "bold red")
    out.print(Text.assemble((found.verdict.upper(), style), f"  {bundle}"))
    for one in found.findings:
        where = "" if one.index is None else f" at entry {one.index}"
        out.print(Text.assemble(f"  {one.code}", (where, "bold"), f": {one.message}"))
        out.print(Text(f"  do: {one.remedy}", "dim"))
    if not found.size:
        return
    facts = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    facts.add_row("log", f"{found.origin}, {found.entries} of {found.size} entries replayed")
    facts.add_row("root", found.root)
    facts.add_row("signatures", str(found.signatures))
    witnesses = f"{len(found.cosigned_by)} cosigned, quorum {found.quorum}"
    facts.add_row("witnesses", witnesses if found.cosigned_by else f"UNWITNESSED, quorum {found.quorum}")
    facts.add_row("pins", found.pins)
    if found.bundles_beyond:
        facts.add_row("ignored", f"{found.bundles_beyond} entry bundles beyond the checkpoint")
    facts.add_row("statements", ", ".join(f"{number} {kind}" for kind, number in found.kinds.items()))
    facts.add_row("claims", ", ".join(f"{number} {status}" for status, number in found.claims.items()) or "none")
    out.print(facts)
    if found.recognised is not None and found.other is not None:
        _print_sums(out, found.recognised, found.other)


def _print_sums(out: Console, recognised: Sums, other: Sums) -> None:
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, justify in (("kgCO2e verified", "left"), ("recognised", "right"), ("other", "right")):
        shown.add_column(name, justify=justify, header_style="dim")  # type: ignore[arg-type]
    shown.add_row("total", recognised.total_kg, other.total_kg)
    for dimension in ("kind", "registry", "lever", "year"):
        values = sorted({*recognised.by[dimension], *other.by[dimension]})
        for value in values[:_LINES_MAX]:
            shown.add_row(
                f"{dimension} {value}",
                recognised.by[dimension].get(value, "0.000"),
                other.by[dimension].get(value, "0.000"),
            )
    out.print(shown)
