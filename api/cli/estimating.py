"""`gigaton estimate`: what a methodology gives for some inputs, step by step, before anything is signed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from api.cli.options import DEFAULT_DATA, Data, Json, Server
from ledger.domain.statements.claim import InputValue
from ledger.domain.statements.methodology import Methodology
from ledger.errors import Malformed

_INPUT = re.compile(
    r"(?P<name>[a-z][a-z0-9_]*)=(?P<value>[0-9.]+)(?P<unit>[A-Za-z][A-Za-z0-9*/]*)?(?:\+-(?P<width>[0-9]{1,4}(?:\.[0-9]{1,4})?)%)?\Z"
)

FactorFiles = Annotated[
    list[Path] | None, typer.Option("--factors", help="File of a factor set that a draft uses; may be repeated.")
]


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("estimate")(estimate)


def estimate(
    methodology: Annotated[
        str, typer.Argument(help="Id (or id@version) of a published or shipped methodology, or a file draft.json.")
    ],
    inputs: Annotated[list[str], typer.Argument(help="name=value, name=valueUNIT or name=valueUNIT+-5%.")],
    factors: FactorFiles = None,
    data: Data = DEFAULT_DATA,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Show step by step what a methodology gives for some inputs, before anything is signed.

    Works without a ledger for what ships with gigaton (`gigaton methodology list`) and for a draft in a file. A result
    below zero is shown; as a claim it would be refused.

    Example:  gigaton estimate grid-displacement-us exported_energy=100MWh+-2% own_emissions=1.5 leaked_emissions=0
    """
    from api.cli import calculation
    from api.cli.methods import find_anywhere
    from api.cli.output import print_json
    from ledger.domain.steps import calculate

    found = find_anywhere(methodology, data=data, server=server, factor_files=factors or ())
    given = dict(_input(text, found.subject) for text in inputs)
    made = calculate(found.subject, found.factors, given, deduction_above_ppm=found.policy.deduction_above_ppm)
    if as_json:
        print_json(calculation.as_json(found, given, made))
    else:
        calculation.show(found, given, made)


def _input(text: str, subject: Methodology) -> tuple[str, InputValue]:
    match = _INPUT.match(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no name=value", param_hint="INPUTS")
    name = match["name"]
    declared = subject.inputs.get(name)
    body: dict[str, object] = {"value": match["value"], "unit": match["unit"] or (declared.unit if declared else "one")}
    if match["width"] is not None:
        whole, _, part = match["width"].partition(".")
        body["uncertainty_ppm"] = int(whole + f"{part:0<4}")
    try:
        return name, msgspec.convert(body, InputValue)
    except msgspec.ValidationError as error:
        raise Malformed("bad_schema", f"{text}: {error}") from None
