"""`gigaton-verify monte-carlo`: how sure a claim's figure is, drawn at home with a seed that is stated."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from ledger.errors import Untrusted
from verifier.montecarlo import Spread

out = Console(highlight=False)


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("monte-carlo")(monte_carlo)


def monte_carlo(
    bundle: Annotated[Path, typer.Argument(help="Folder or zip of a published log.")],
    claim: Annotated[int, typer.Option("--claim", help="Index of the claim's entry.")],
    seed: Annotated[str, typer.Option("--seed", help="Any text; the same seed gives the same figures.")],
    trust: Annotated[Path | None, typer.Option("--trust", help="Your trust.json.")] = None,
    draws: Annotated[int, typer.Option("--draws", help="How often every uncertain value is drawn.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")] = False,
) -> None:
    """Draw a claim's uncertain inputs and factors, and show the spread of its net result beside the propagated one.

    A tool for the verifier's judgement: no rule depends on it.

    Example:  gigaton-verify monte-carlo export --trust trust.json --claim 12 --seed 2026-03-01
    """
    from keys.trust import read_trust
    from ledger.domain.records import MethodologyRecord
    from verifier.attest import review
    from verifier.bundle import Bundle
    from verifier.montecarlo import simulate
    from verifier.replay import replay

    if trust is None:
        raise Untrusted("no_trust_file", "no trust file is given, so nothing can be proven")
    opened = Bundle(bundle)
    result = replay(opened, read_trust(trust))
    reviewed = review(opened, result, claim)
    record = reviewed.record
    method = result.state.get(MethodologyRecord, record.methodology, record.methodology_version)
    assert method is not None, "a recorded claim has its methodology"
    spread = simulate(method.subject, method.factors, reviewed.claim.inputs, seed=seed, draws=draws)
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(spread, order="sorted"), indent=2).decode() + "\n")
        return
    out.print(f"claim {claim}: {reviewed.claim.title}", markup=False)
    out.print(_table(spread))
    if not spread.names:
        out.print("Neither claim nor factors state an uncertainty: every draw is the same.")


def _table(spread: Spread) -> Table:
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), title_justify="left")
    shown.add_column(f"{spread.draws:,} draws, seed {spread.seed}"[:70], header_style="dim")
    shown.add_column("kgCO2e", justify="right", header_style="dim")
    for name, width in spread.names.items():
        shown.add_row(f"drawn: {name} ± {_percent(width)}", "")
    rows = (
        ("net, as the formula gives it", spread.net_g),
        ("least", spread.least_g),
        ("2.5 % of draws lie below", spread.p2_5_g),
        ("half of draws lie below", spread.p50_g),
        ("mean", spread.mean_g),
        ("2.5 % of draws lie above", spread.p97_5_g),
        ("most", spread.most_g),
    )
    for label, grams in rows:
        sign, amount = ("-", -grams) if grams < 0 else ("", grams)
        shown.add_row(label, f"{sign}{amount // 1000:,}.{amount % 1000:03d}")
    shown.add_row("draws without a gain", _percent(spread.no_gain_ppm))
    shown.add_row("uncertainty of these draws", _percent(spread.uncertainty_ppm))
    shown.add_row("uncertainty by propagation, which counts", _percent(spread.propagated_ppm))
    return shown


def _percent(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm % 10_000:04d} %"
