"""What a command prints: tables for people, JSON for machines, and errors that say what to do next.

Results go to standard output, progress and errors to standard error, so that
`--json` output can be piped.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn, TypeVar

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ledger.domain.units import format_tonnes
from ledger.errors import Forked, LedgerError, Refused, Unavailable, Unproven, Unreadable

out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False)

T = TypeVar("T")

# Exit codes of `gigaton`; `gigaton-verify` has its own, finer table.
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 4


def print_json(value: object) -> None:
    """One JSON document on standard output, members sorted, indented for reading."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode() + "\n")


def print_json_list(items: Iterable[object]) -> None:
    """What `print_json` prints of a list, written as the items come."""
    opening = "[\n"
    for item in items:
        text = msgspec.json.format(msgspec.json.encode(item, order="sorted"), indent=2).decode()
        sys.stdout.write(opening + "\n".join(f"  {line}" for line in text.split("\n")))
        opening = ",\n"
    sys.stdout.write("[]\n" if opening == "[\n" else "\n]\n")


def table(*columns: str, title: str | None = None, right: Sequence[int] = ()) -> Table:
    """A plain table; the columns numbered in `right` are figures."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(columns):
        made.add_column(name, justify="right" if number in right else "left", header_style="dim", overflow="fold")
    return made


def tonnes(grams: int) -> Text:
    """Grams as tonnes to read: whole tonnes bright, decimals soft."""
    whole, _, part = format_tonnes(grams).partition(".")
    return Text.assemble(whole, (f".{part}", "dim"))


def ratio(ppm: int | None) -> str:
    """Parts per million as a ratio with two decimals, cut."""
    return "" if ppm is None else f"{ppm // 1_000_000}.{ppm % 1_000_000 // 10_000:02d}"


@contextmanager
def progress(label: str, total: int | None) -> Iterator[Progress]:
    """A progress bar on standard error, where a terminal is attached."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    with bar:
        bar.add_task(label, total=total)
        yield bar


def tracked(items: Iterable[T], *, label: str, total: int | None) -> Iterator[T]:
    """The items, with a bar that moves as they are taken."""
    with progress(label, total) as bar:
        for item in items:
            yield item
            bar.advance(bar.task_ids[0])


def fail(error: LedgerError, *, as_json: bool = False) -> NoReturn:
    """Say what is wrong, under which code, and what to do next; then end with the branch's exit code."""
    if as_json:
        print_json({"error": {"code": error.code, "message": error.message, "remedy": error.remedy, **error.facts}})
    else:
        err.print(Text.assemble(("error ", "bold red"), (error.code, "bold"), ": ", error.message))
        err.print(Text.assemble(("   do: ", "dim"), error.remedy))
        if isinstance(error, Forked):
            # The evidence: anybody can check these signed notes with the log's public key alone.
            for name, note in error.facts.items():
                err.print(Text(f"{name}:\n{note}"), soft_wrap=True)
    raise SystemExit(exit_code_of(error))


def exit_code_of(error: LedgerError) -> int:
    """1 refused or refuted, 2 unreadable or wrong usage, 4 unavailable."""
    if isinstance(error, Unavailable):
        return EXIT_UNAVAILABLE
    if isinstance(error, Unreadable):
        return EXIT_USAGE
    assert isinstance(error, Refused | Unproven), type(error)
    return EXIT_REFUSED
