"""`gigaton bench`: rates beside the raw signature rate of the same run, as ratios that hold when a machine drifts."""

from __future__ import annotations

import gc
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import Struct

from api.cli.bench_http import bench_http
from api.cli.options import Json
from api.cli.output import err, out, print_json, ratio, table

_PROOFS = 2_000
_NANOSECONDS = 1_000_000_000
PPM = 1_000_000


class Measure(Struct, frozen=True):
    """One rate and, where it is a ratio of the raw rate, that ratio in parts per million beside its target."""

    what: str
    per_second: int
    ratio_ppm: int | None = None
    target_ppm: int | None = None


def register(app: typer.Typer) -> None:
    """Add the commands of this file, and those that measure other things."""
    group = typer.Typer(name="bench", add_completion=False, rich_markup_mode=None)
    group.callback(invoke_without_command=True)(bench)
    group.command("http")(bench_http)
    app.add_typer(group)


def bench(
    context: typer.Context,
    claims: Annotated[int, typer.Option(min=100, max=10_000_000, help="Claims to import.")] = 30_000,
    attested: Annotated[bool, typer.Option(help="Attest each claim too (entries with two signatures).")] = False,
    as_json: Json = False,
) -> None:
    """Measure import, audit and proofs on a fresh ledger, beside the raw Ed25519 rate of the same run.

    Example:  gigaton bench --claims 30000 --attested
    """
    if context.invoked_subcommand is not None:
        return
    with tempfile.TemporaryDirectory(prefix="gigaton-bench-") as folder:
        measures = _measure(Path(folder), claims, attested)
    memory_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if as_json:
        print_json({"claims": claims, "cores": os.cpu_count(), "memory_mib": memory_mib, "measures": measures})
        return
    shown = table("measure", "a second", "ratio", "target", right=[1, 2, 3])
    for one in measures:
        shown.add_row(one.what, f"{one.per_second:,}", ratio(one.ratio_ppm), ratio(one.target_ppm))
    out.print(shown)
    out.print(f"{claims} claims, {os.cpu_count()} cores, {memory_mib} MiB at most in this process")


def _timed(work: Callable[[], Any]) -> tuple[int, Any]:
    """Nanoseconds of wall time, and what the work gave."""
    begun = time.perf_counter_ns()
    result = work()
    return max(1, time.perf_counter_ns() - begun), result


def _measure(folder: Path, claims: int, attested: bool) -> list[Measure]:
    from api.bench import build, raw_rate, statements
    from ledger.service import submit as acts
    from ledger.store.export import export_log
    from verifier.bundle import Bundle
    from verifier.replay import replay

    err.print("making signed statements ...")
    world = build(folder / "ledger")
    made = statements(world, claims)
    raw = raw_rate(made)
    results = [Measure("raw Ed25519 verifications, one core", raw)]
    err.print("importing ...")
    took, answers = _timed(lambda: list(acts.submit_all(world.ledger, made)))
    rate = claims * _NANOSECONDS // took
    results.append(Measure("durable import, receipts included", rate, rate * PPM // raw, 650_000))
    if attested:
        attestations = world.attestations([answer.index for answer in answers])
        took, _ = _timed(lambda: list(acts.submit_all(world.ledger, attestations)))
        rate = claims * _NANOSECONDS // took
        results.append(Measure("durable import of attestations (2 signatures)", rate, rate * PPM * 2 // raw, None))
    took, _ = _timed(lambda: acts.prove(world.ledger, [answer.index for answer in answers[:_PROOFS]]))
    results.append(Measure("inclusion proofs", min(claims, _PROOFS) * _NANOSECONDS // took))
    with world.ledger.reading() as connection:
        took, size = _timed(lambda: export_log(connection, folder / "export"))
    results.append(Measure("entries exported", size * _NANOSECONDS // took))
    world.ledger.close()
    err.print("auditing ...")
    cores = os.cpu_count() or 1
    # An auditor's process begins empty: what was made above is not to be looked through again and again.
    gc.freeze()
    took, found = _timed(lambda: replay(Bundle(folder / "export"), world.trust(), jobs=cores))
    assert found.problem is None, found.problem
    rate = found.signatures * _NANOSECONDS // took
    # 0.60 where entries carry one signature, 0.80 where they carry two, and between them in proportion.
    target = 600_000 + 200_000 * (found.signatures - found.entries) // found.entries
    results.append(Measure("signatures audited, all cores", rate, rate * PPM // (raw * cores), target))
    results.append(Measure("entries audited", found.entries * _NANOSECONDS // took))
    found.state.close()
    return results
