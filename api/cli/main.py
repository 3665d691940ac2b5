"""`gigaton`: the commands, and the one place where an error becomes a message and an exit code."""

from __future__ import annotations

import os
import sys

import typer

from api.cli import (
    attesting,
    bench,
    certifying,
    claiming,
    demo,
    estimating,
    evidence,
    finding,
    founding,
    methodology,
    reading,
    serving,
    showing,
    token,
    trusting,
    writing,
)
from api.cli.output import EXIT_UNAVAILABLE, err, fail
from ledger import __version__
from ledger.errors import LedgerError

app = typer.Typer(
    name="gigaton",
    help="A ledger of carbon-reduction claims that nobody has to trust.",
    epilog="Try it in a minute:  gigaton demo --data build/demo --input api/demo/issuances.csv",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        print(f"gigaton {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Options that hold for every command."""


for group in (
    founding,
    methodology,
    estimating,
    claiming,
    attesting,
    writing,
    reading,
    showing,
    finding,
    certifying,
    evidence,
    token,
    trusting,
    serving,
    demo,
    bench,
):
    group.register(app)


def run() -> None:
    """Run a command; every deliberate error ends in a message that says what to do next, never in a traceback."""
    as_json = "--json" in sys.argv
    try:
        app(standalone_mode=True)
    except LedgerError as error:
        fail(error, as_json=as_json)
    except BrokenPipeError:
        # The reader of our output has gone; nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(EXIT_UNAVAILABLE) from None
    except KeyboardInterrupt:
        err.print("stopped; what was acknowledged is recorded")
        raise SystemExit(130) from None


if __name__ == "__main__":
    run()
