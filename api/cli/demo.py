"""`gigaton demo`: the main job on real input, told step by step."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from api.cli.options import DEFAULT_DATA, Data, Database, Json
from api.cli.output import err, out, print_json, table, tonnes, tracked
from api.cli.views import as_of_line, breakdown, goals_table
from ledger.errors import LedgerError

_REFUSALS_SHOWN_MAX = 60


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("demo")(demo)


def demo(
    source: Annotated[Path, typer.Option("--input", help="CSV of issuances; its columns are in docs/demo.md.")],
    database: Database = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Run the main job on real input: found, claim, attest, sum, certify, export, audit, tamper.

    Keys of every party are held in DIR/keys: demonstration custody, for nothing else.

    Example:  gigaton demo --data build/demo --input api/demo/issuances.csv
    """
    from api.demo.job import Job

    job = Job(data, source, database=database)
    try:
        report = _run(job, quiet=as_json)
    finally:
        job.close()
    if as_json:
        print_json(report)
    if report["audit"]["exit"] != 0 or report["tampered"]["exit"] != 1 or report["certificate"].get("exit"):
        raise typer.Exit(1)


def _run(job: Any, *, quiet: bool) -> dict[str, Any]:
    from ledger.service import report as reports

    console = err if quiet else out

    def say(step: str, text: str) -> None:
        console.print(Text.assemble((f"{step:<10}", "bold green"), text))

    rows = job.read()
    say("read", f"{rows} rows of {job.source}, {len(job.outcome.rows)} unreadable")
    job.found()
    say("found", f"{job.ledger.programme.subject.name}")
    console.print(Text("           all keys lie in one file under DIR/keys: demonstration custody only", "yellow"))
    say("enrol", f"{job.enrol()} organisations, each proving that it holds its keys; verifiers accredited by key")
    say("publish", f"3 goals, 1 factor set, {job.publish()} methodologies")
    for step, steps in (("claim", job.claim()), ("attest", job.attest())):
        done = [*tracked(steps, label=step, total=rows)]
        say(step, f"{len(done)} statements signed and recorded")
    say("compute", f"{len(job.compute())} claims computed from activity data, recomputed and attested")
    totals = reports.totals(job.ledger)
    goals = reports.goal_progress(job.ledger)
    if not quiet:
        _show_rows(job)
        _show_totals(totals, goals)
    certificate = _certify(job, say, quiet=quiet)
    size = job.export()
    say("export", f"{size} entries as static files in {job.directory / 'export'}")
    audit = _audit(job.directory / "export", job.directory, say, quiet=quiet)
    copy, victim = job.tamper()
    say("tamper", f"one byte of entry {victim} changed in a copy")
    tampered = _audit(copy, job.directory, say, quiet=quiet)
    return {
        "directory": str(job.directory),
        "rows": job.outcome.rows,
        "outcomes": job.outcome.count(),
        "computed": job.outcome.computed,
        "totals": totals,
        "goals": goals,
        "certificate": certificate,
        "audit": audit,
        "tampered": {**tampered, "index": victim},
    }


def _certify(job: Any, say: Any, *, quiet: bool) -> dict[str, Any]:
    """A certificate for the largest developer; a refusal is said and does not stop the rest."""
    holder = job.largest_developer()
    if holder is None:
        say("certify", "nothing is verified, so there is nothing to certify")
        return {"error": "nothing_to_certify"}
    try:
        path = job.certify(holder)
    except LedgerError as error:
        say("certify", f"refused, {error.code}: {error.message}")
        return {"error": error.code, "holder": holder}
    say("certify", f"{path}")
    command = [sys.executable, "-m", "verifier.cli", "certificate", str(path), "--trust", f"{job.directory}/trust.json"]
    done = subprocess.run(command, capture_output=quiet, text=True, check=False)
    say("check", f"gigaton-verify certificate {path} --trust {job.directory}/trust.json -> exit {done.returncode}")
    return {"path": str(path), "holder": holder, "exit": done.returncode}


def _audit(bundle: Path, directory: Path, say: Any, *, quiet: bool) -> dict[str, Any]:
    """Audit a bundle in a process of its own, which has nothing but the files and the trust file."""
    command = [sys.executable, "-m", "verifier.cli", "audit", str(bundle), "--trust", str(directory / "trust.json")]
    done = subprocess.run(command, capture_output=quiet, text=True, check=False)
    say("audit", f"gigaton-verify audit {bundle} --trust {directory / 'trust.json'} -> exit {done.returncode}")
    return {"exit": done.returncode}


def _show_rows(job: Any) -> None:
    refused = [row for row in job.outcome.rows if row.outcome not in ("verified", "no_verifier")]
    out.print()
    shown = table("outcome", "rows", right=[1])
    for outcome, number in job.outcome.count().items():
        shown.add_row(outcome, str(number))
    out.print(shown)
    if refused:
        out.print()
        shown = table("line", "project", "code", "why", title="Rows that the rules refused", right=[0])
        for row in refused[:_REFUSALS_SHOWN_MAX]:
            shown.add_row(str(row.line), row.project_id, row.outcome, row.message)
        out.print(shown)
        if len(refused) > _REFUSALS_SHOWN_MAX:
            out.print(f"... and {len(refused) - _REFUSALS_SHOWN_MAX} more (all with --json)")


def _show_totals(totals: Any, goals: Any) -> None:
    out.print()
    out.print(
        Text.assemble(("Verified ", "bold"), tonnes(totals.total_g), (" t CO2e ", "bold"), f"in {totals.claims} claims")
    )
    out.print(as_of_line(totals.as_of))
    for dimension in ("registry", "kind", "lever", "country", "year"):
        out.print()
        out.print(breakdown(totals, dimension))
    out.print()
    out.print(goals_table(goals))
    out.print()
