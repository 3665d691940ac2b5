"""`gigaton bench http`: what real serving processes bear, as ratios taken in one run."""

from __future__ import annotations

import os
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import Json
from api.cli.output import err, out, print_json, ratio, table

if TYPE_CHECKING:
    from api.measure.http import Row


def _say(name: str, text: str) -> None:
    err.print(f"{name}: {text} ...")


def bench_http(
    claims: Annotated[int, typer.Option(min=100, max=100_000, help="Claims a round.")] = 3_000,
    reads: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Requests of each kind of reading a round.")
    ] = 3_000,
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Rounds; the middle one of each is shown.")] = 3,
    filled: Annotated[int, typer.Option(min=0, max=100_000_000, help="Claims in the log before the first round.")] = 0,
    database: Annotated[
        str | None, typer.Option(help="URL of an empty PostgreSQL database: measured too, after SQLite.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure single statements and reads over HTTP: 64 connections, one serving process and two, limits of rate off.

    Example:  gigaton bench http --rounds 5 --filled 1000000
    """
    from api.measure.http import measure

    found: dict[str, list[Row]] = {}
    for name, where in (("SQLite", None), ("PostgreSQL", database)):
        if where is None and name != "SQLite":
            continue
        with tempfile.TemporaryDirectory(prefix="gigaton-bench-") as folder:
            found[name] = measure(
                Path(folder) / "ledger",
                database=where,
                claims=claims,
                reads=reads,
                rounds=rounds,
                filled=filled,
                say=partial(_say, name),
            )
    if as_json:
        print_json({"claims": claims, "cores": os.cpu_count(), "filled": filled, "measures": found})
        return
    for name, rows in found.items():
        shown = table(
            "measure", "a second", "p50 ms", "p99 ms", "cpu us", "ratio", "target", title=name, right=range(1, 7)
        )
        for row in rows:
            times = (f"{us // 1000}.{us % 1000 // 100}" for us in (row.p50_us, row.p99_us))
            shown.add_row(
                row.what, f"{row.per_second:,}", *times, str(row.cpu_us), ratio(row.ratio_ppm), ratio(row.target_ppm)
            )
        out.print(shown)
    out.print(f"{rounds} rounds of {claims} claims, {filled} in the log before, {os.cpu_count()} cores, 64 connections")
