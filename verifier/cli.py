"""`gigaton-verify`: what an auditor, a partner or anyone runs, with no account and no server.

Exit codes: 0 proven, 1 refuted, 2 unreadable or wrong usage, 3 not enough
trust, 4 rollback or fork against pinned state, 5 proven, but no longer in force.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from keys.trust import Trust, read_trust
from ledger import __version__
from ledger.errors import LedgerError, Unreadable, Untrusted
from verifier import report as reports
from verifier import simulating
from verifier.bundle import Bundle
from verifier.pins import Pin, read_pins, write_pin
from verifier.replay import replay
from verifier.report import Report
from verifier.show import print_report

app = typer.Typer(
    name="gigaton-verify",
    help="Check a carbon ledger, a receipt or a certificate offline.",
    epilog="Exit codes: 0 proven, 1 refuted, 2 unreadable or wrong usage, 3 not enough trust, 4 rollback or fork, "
    "5 proven but no longer in force.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

TrustFile = Annotated[Path | None, typer.Option("--trust", help="Your trust.json; never taken from the bundle.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
_FILE_BYTES_MAX = 1_000_000
_PDF_BYTES_MAX = 64 * 1024 * 1024


def _version(asked: bool) -> None:
    if asked:
        print(f"gigaton-verify {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _main(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Options that hold for every command."""


@app.command()
def audit(
    bundle: Annotated[Path, typer.Argument(help="Folder or zip of a published log.")],
    trust: TrustFile = None,
    pins: Annotated[Path | None, typer.Option("--pins", help="Your pins.json: what you accepted before.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=0, help="Processes; 0 is one a core.")] = 0,
    as_json: Json = False,
) -> None:
    """Replay a whole log offline: every byte, hash, signature, rule and sum.

    Example:  gigaton-verify audit export --trust trust.json --pins pins.json
    """
    given = _trust(trust)
    name = f"{given.origin}#{given.genesis}"
    pinned = read_pins(pins).logs.get(name) if pins is not None else None
    opened = Bundle(bundle)
    try:
        with _bar() as bar:
            task = bar.add_task("audit", total=None)
            result = replay(
                opened,
                given,
                jobs=jobs,
                roots_at=frozenset() if pinned is None else frozenset({pinned.size}),
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
        beyond = opened.beyond(result.checkpoint.size)
        found = reports.conclude(result, given, pinned=pinned, keeps_pins=pins is not None, beyond=beyond)
        if pins is not None and found.exit_code in (reports.PROVEN, reports.UNTRUSTED):
            head = result.checkpoint
            write_pin(pins, name, Pin(head.size, head.root.hex(), head.raw.decode()))
        result.state.close()
    except LedgerError as error:
        found = reports.failed(error)
    finally:
        opened.close()
    if as_json:
        _print_json(found)
    else:
        print_report(out, found, bundle)
    raise typer.Exit(found.exit_code)


@app.command()
def receipt(
    proof: Annotated[Path, typer.Argument(help="The .tlog-proof file.")],
    entry: Annotated[Path, typer.Option("--entry", help="The entry's bytes.")],
    trust: TrustFile = None,
    as_json: Json = False,
) -> None:
    """Check that an entry is in the log of a signed checkpoint.

    Example:  gigaton-verify receipt entry-12.tlog-proof --entry entry-12.json --trust trust.json
    """
    from ledger.core.entry import decode_entry
    from ledger.core.jws import check_signatures, open_jws
    from ledger.core.receipt import check_receipt, parse_receipt
    from ledger.errors import Malformed

    given = _trust(trust)
    raw = _read(entry)
    parsed = parse_receipt(_read(proof))
    head = check_receipt(parsed, entry=raw, log=given.log_vkey, origin=given.origin, witnesses=given.witness_vkeys)
    read = decode_entry(raw)
    if read.index != parsed.index:
        raise Malformed("wrong_index", f"the entry says {read.index}, the proof {parsed.index}", index=parsed.index)
    check_signatures(open_jws(read.statement))
    cosigned = len(head.cosignatures)
    if cosigned < given.witnesses.quorum:
        raise Untrusted("below_quorum", f"{cosigned} of {given.witnesses.quorum} witnesses cosigned the checkpoint")
    if as_json:
        _print_json({"verdict": "proven", "index": parsed.index, "size": head.size, "root": head.root.hex()})
    else:
        out.print(
            Text.assemble(("PROVEN ", "bold green"), f"entry {parsed.index} is in {given.origin} of size {head.size}")
        )


@app.command()
def certificate(
    file: Annotated[Path, typer.Argument(help="The PDF.")],
    trust: TrustFile = None,
    log: Annotated[Path | None, typer.Option("--log", help="The published log, for the present status.")] = None,
    as_json: Json = False,
) -> None:
    """Check a sealed certificate with nothing but the file and your trust file.

    Example:  gigaton-verify certificate GT-2026-1.pdf --trust trust.json
    """
    try:
        from verifier.certificate import verify_certificate
    except ModuleNotFoundError as error:
        raise Unreadable(
            "packages_missing", f"checking a PDF needs the package {error.name}", package=str(error.name)
        ) from None
    given = _trust(trust)
    found = verify_certificate(_read(file, _PDF_BYTES_MAX), trust=given, now_ms=time.time_ns() // 1_000_000, log=log)
    if as_json:
        _print_json(found)
    else:
        style = "bold green" if found.exit_code == 0 else "bold yellow" if found.exit_code in (3, 5) else "bold red"
        out.print(Text.assemble((found.verdict, style), f"  {file}"))
        steps = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for step in found.steps:
            steps.add_row(step.name, step.result, step.what)
            if step.remedy:
                steps.add_row("", "", step.remedy)
        out.print(steps)
    raise typer.Exit(found.exit_code)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="Folder or zip of a published log.")],
    second: Annotated[Path, typer.Argument(help="Another copy of the same log.")],
    trust: TrustFile = None,
    as_json: Json = False,
) -> None:
    """Compare two copies of a log: the same, one extends the other, or a fork with the evidence for it.

    Example:  gigaton-verify compare export mirror --trust trust.json
    """
    from verifier.compare import compare as compare_bundles

    given = _trust(trust)
    found = compare_bundles(Bundle(first), Bundle(second), given)
    if as_json:
        _print_json(found)
    else:
        style = "bold red" if found.relation == "fork" else "bold green"
        out.print(Text.assemble((found.relation.upper(), style), f" sizes {found.sizes[0]} and {found.sizes[1]}"))
        for note in found.evidence or ():
            out.print(note, markup=False)
    raise typer.Exit(reports.FORKED if found.relation == "fork" else 0)


@app.command()
def attest(
    bundle: Annotated[Path, typer.Argument(help="Folder or zip of a published log.")],
    claim: Annotated[int, typer.Option("--claim", help="Index of the claim's entry.")],
    opinion: Annotated[str, typer.Option(help="unmodified, modified, adverse or disclaimed.")],
    verified: Annotated[str, typer.Option(help="Verified reduction, kg with 3 decimals.")],
    key: Annotated[Path, typer.Option("--key", help="Key file with your key to attest.")],
    passphrase_file: Annotated[Path, typer.Option("--passphrase-file", help="Passphrase of the key files.")],
    trust: TrustFile = None,
    review_key: Annotated[Path | None, typer.Option("--review-key", help="Key file of the reviewer.")] = None,
    assurance: Annotated[str, typer.Option(help="limited or reasonable.")] = "limited",
    materiality_ppm: Annotated[int, typer.Option(help="Materiality in parts per million.")] = 50_000,
    conflict: Annotated[str, typer.Option(help="Your declaration on conflicts of interest.")] = "None.",
    text: Annotated[str, typer.Option("--statement", help="The verification statement in words.")] = "Verified.",
    output: Annotated[Path, typer.Option("--out", help="Where the signed statement goes.")] = Path("attestation.jws"),
) -> None:
    """Recompute a claim from a log that you replay first, and sign your opinion at home.

    Example:  gigaton-verify attest export --trust trust.json --claim 12 --opinion unmodified
    --verified 499000.000 --key me.age --review-key reviewer.age --passphrase-file p.txt
    """
    from ledger.domain.units import format_kg
    from verifier.attest import draft, find_key, review, sign_attestation

    given = _trust(trust)
    passphrase = _read(passphrase_file).decode("utf-8", "replace").rstrip("\r\n")
    keys = [find_key(key, passphrase, purpose="attest")]
    if review_key is not None:
        keys.append(find_key(review_key, passphrase, purpose="review"))
    opened = Bundle(bundle)
    result = replay(opened, given)
    reviewed = review(opened, result, claim)
    stated, gives = reviewed.record.stated_g, reviewed.recomputed.reduction_g
    out.print(f"claim {claim}: {reviewed.claim.title}")
    given_kg = format_kg(max(0, gives))
    out.print(f"  claimed {format_kg(stated)} kg, its inputs give {given_kg} kg, difference {stated - gives} g")
    subject = draft(
        reviewed,
        opinion=opinion,
        verified_reduction=verified,
        assurance=assurance,
        materiality_ppm=materiality_ppm,
        conflict_of_interest=conflict,
        statement=text,
    )
    payload, signed = sign_attestation(result, subject, keys=keys)
    out.print(payload.decode(), markup=False)
    output.write_bytes(signed)
    out.print(f"{output}: signed with {len(keys)} keys; send it with: gigaton submit {output}")


simulating.register(app)


def _trust(path: Path | None) -> Trust:
    if path is None:
        raise Untrusted("no_trust_file", "no trust file is given, so nothing can be proven")
    return read_trust(path)


def _read(path: Path, limit: int = _FILE_BYTES_MAX) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise Unreadable("unreadable_file", f"{path}: {error.strerror}", path=str(path)) from None


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=30), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


def _print_json(value: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode() + "\n")


def _fail(error: LedgerError) -> NoReturn:
    """An error outside an audit: the same codes, the same exits."""
    found = reports.failed(error)
    code = reports.UNTRUSTED if isinstance(error, Untrusted) else found.exit_code
    if "--json" in sys.argv:
        verdict = "not enough trust" if code == reports.UNTRUSTED else found.verdict
        _print_json(Report(verdict, code, found.findings))
    else:
        err.print(Text.assemble(("error ", "bold red"), (error.code, "bold"), f": {error.message}"))
        err.print(Text(f"   do: {error.remedy}", "dim"))
    raise SystemExit(code)


def run() -> None:
    """Run a command; every deliberate error ends in a message that says what to do next."""
    try:
        app(standalone_mode=True)
    except LedgerError as error:
        _fail(error)
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    run()
