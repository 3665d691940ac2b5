"""Commands of a claimant: estimate and claim."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from api.cli.options import DEFAULT_DATA, Data, Json, PassphraseFile, Server
from api.cli.output import out, print_json, table
from ledger.domain.quantify import Estimate
from ledger.domain.statements.claim import InputValue
from ledger.errors import Malformed

_INPUT = re.compile(r"([a-z][a-z0-9_]*)=([0-9.]+)([A-Za-z][A-Za-z0-9*/]*)?\Z")


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("estimate")(estimate)
    app.command("claim")(claim)


def estimate(
    methodology: Annotated[str, typer.Argument(help="Id of a published methodology, or id@version.")],
    inputs: Annotated[list[str], typer.Argument(help="name=value or name=valueUNIT, such as exported_energy=100MWh")],
    data: Data = DEFAULT_DATA,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Show what a methodology gives for some inputs, before anything is signed.

    Example:  gigaton estimate grid-displacement-us exported_energy=100MWh own_emissions=1.5 leaked_emissions=0
    """
    from api.cli.books import open_book

    name, _, version = methodology.partition("@")
    if version and not version.isdecimal():
        raise typer.BadParameter("a version is a number", param_hint="METHODOLOGY")
    with open_book(data, server) as book:
        method = book.methodology(name, int(version) if version else None)
        units = {one: declared.unit for one, declared in method.subject.inputs.items()}
        result = book.estimate(method, dict(_input(text, units) for text in inputs))
    if as_json:
        print_json({**result._asdict(), "reduction_g": result.reduction_g})
        return
    out.print(f"{method.subject.title}\n")
    for one, factor in method.factors.items():
        out.print(f"{one} = {factor.value} {factor.unit}, {factor.region} {factor.year}, {factor.gas_basis}")
        out.print(f"  {factor.citation}")
    shown = table("component", "kgCO2e", right=[1])
    for label, grams in _lines(result):
        sign, amount = ("-", -grams) if grams < 0 else ("", grams)
        shown.add_row(label, f"{sign}{amount // 1000:,}.{amount % 1000:03d}")
    out.print(shown)


def _lines(result: Estimate) -> list[tuple[str, int]]:
    return [
        ("baseline", result.baseline_g),
        ("- project", result.project_g),
        ("- leakage", result.leakage_g),
        (f"- deduction (uncertainty {result.uncertainty_ppm} ppm)", result.deduction_g),
        ("= reduction", result.reduction_g),
    ]


def _input(text: str, units: dict[str, str]) -> tuple[str, InputValue]:
    match = _INPUT.match(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no name=value", param_hint="INPUTS")
    name, value, unit = match.groups()
    body = {"value": value, "unit": unit or units.get(name, "one")}
    try:
        return name, msgspec.convert(body, InputValue)
    except msgspec.ValidationError as error:
        raise Malformed("bad_schema", f"{text}: {error}") from None


def claim(
    draft: Annotated[Path, typer.Argument(help="JSON: the credentialSubject of a Claim, without quantification.")],
    key: Annotated[str, typer.Option("--key", help="Name of the claimant's key in DIR/keys.")],
    receipt: Annotated[Path | None, typer.Option("--receipt", help="Where entry and proof go, without ending.")] = None,
    data: Data = DEFAULT_DATA,
    server: Server = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Compute, sign and record a claim, and keep its receipt.

    Example:  gigaton claim draft.json --key acme --receipt receipts/roof --data gigaton-data
    """
    from api.author import Hand, state
    from api.cli.books import open_book
    from api.cli.writing import keep_receipt, read_file
    from api.keyrings import find_stored, open_rings, read_passphrase
    from keys.signer import FileSigner
    from ledger.domain.quantify import quantification_of
    from ledger.domain.statements.claim import Claim

    body = _draft(read_file(draft), draft)
    rings = open_rings(data, read_passphrase(data, passphrase_file))
    stored = find_stored(rings, key)
    with open_book(data, server, rings=lambda: rings) as book:
        wanted = body.get("methodology") or {}
        method = book.methodology(str(wanted.get("id")), wanted.get("version"))
        try:
            inputs = msgspec.convert(body.get("inputs"), dict[str, InputValue])
            figures = quantification_of(book.estimate(method, inputs))
            subject = msgspec.convert({**body, "quantification": msgspec.to_builtins(figures)}, Claim)
        except msgspec.ValidationError as error:
            raise Malformed("bad_schema", f"{draft}: {error}", path=str(draft)) from None
        hand = Hand(stored.owner, FileSigner.from_stored(stored))
        recorded = book.submit(state("Claim", subject, ledger=book.name, author=hand))
    if receipt is not None:
        keep_receipt(receipt, recorded.proof)
    if as_json:
        print_json({"index": recorded.index, "size": recorded.size, "quantification": figures})
    else:
        out.print(f"entry {recorded.index}: {figures.reduction} kg claimed")


def _draft(raw: bytes, path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed("bad_schema", f"{path}: {error}", path=str(path)) from None
