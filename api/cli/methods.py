"""Where a methodology that a command names comes from: a file, a ledger, or what ships with the project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import typer

from api.book import factors_of
from api.cli.books import open_book
from api.founding import DEFAULT_POLICY
from api.methodologies import SHIPPED_METHODOLOGIES, finder, shipped_methodology
from api.methodologies.drafts import judge, require_sound
from ledger.domain.rules.v1.formulas import FindSet
from ledger.domain.statements.methodology import Factor, FactorSet, Methodology
from ledger.domain.statements.programme import Policy
from ledger.errors import LedgerError, Malformed, Refused


class Found(NamedTuple):
    """A methodology with its factors, where it was found, and the policy under which it is used."""

    subject: Methodology
    factors: Mapping[str, Factor]
    origin: str
    policy: Policy


class Desk(NamedTuple):
    """What an author works against: factor sets, a policy, and a word on both."""

    find: FindSet
    policy: Policy
    origin: str


def find_anywhere(name: str, *, data: Path, server: str | None = None, factor_files: Sequence[Path] = ()) -> Found:
    """The methodology of a file (`x.json`), of the ledger at `data` or of a server, or one that ships: in this order.

    Raises: Refused `unknown_methodology`, the problems of a draft, and the codes of opening a ledger.
    """
    if name.endswith(".json"):
        return _of_file(Path(name), desk_at(data, factor_files, server=server))
    wanted, _, version = name.partition("@")
    if version and not version.isdecimal():
        raise typer.BadParameter("a version is a number", param_hint="METHODOLOGY")
    policy, where = DEFAULT_POLICY, f"no ledger at {data}"
    try:
        with open_book(data, server) as book:
            log = book.name.partition("#")[0]
            policy, where = book.policy(), f"not published in {log}"
            record = book.methodology(wanted, int(version) if version else None)
            origin = f"published in {log} as entry {record.index}"
            return Found(record.subject, record.factors, origin, policy)
    except LedgerError as error:
        if error.code not in {"no_database", "unknown_methodology"}:
            raise
    if wanted not in SHIPPED_METHODOLOGIES or version not in {"", "1"}:
        raise Refused("unknown_methodology", f"no methodology {name} ships with gigaton; {where}", id=wanted)
    subject = shipped_methodology(wanted)
    return Found(subject, factors_of(subject, finder()), f"ships with gigaton; {where}", policy)


def _of_file(path: Path, desk: Desk) -> Found:
    from api.cli.writing import read_file

    draft = require_sound(judge(read_file(path), find=desk.find, gwp_sets=desk.policy.gwp_sets))
    if not isinstance(draft, Methodology):
        raise Malformed("bad_schema", f"{path} is a factor set, not a methodology", path=str(path))
    return Found(draft, factors_of(draft, desk.find), f"draft in {path}; {desk.origin}", desk.policy)


def desk_at(data: Path, factor_files: Sequence[Path] = (), *, server: str | None = None) -> Desk:
    """Against what a draft is judged: a ledger's own sets and policy where there is a ledger, else what ships.

    Raises: the codes of opening a ledger, and the problems of a factor file.
    """
    from api.cli.writing import read_file

    sets = []
    for path in factor_files:
        given = require_sound(judge(read_file(path), find=finder(), gwp_sets=()))
        if not isinstance(given, FactorSet):
            raise Malformed("bad_schema", f"{path} is a methodology, not a factor set", path=str(path))
        sets.append(given)
    own = {(one.id, one.version): one.factors for one in sets}
    try:
        with open_book(data, server) as book:
            policy, log = book.policy(), book.name.partition("#")[0]
    except LedgerError as error:
        if error.code != "no_database":
            raise
        return Desk(finder(sets), DEFAULT_POLICY, "judged with what ships and the default policy")

    def find(id: str, version: int) -> Sequence[Factor] | None:
        if (id, version) in own:
            return own[id, version]
        with open_book(data, server) as book:
            return book.factors(id, version)

    return Desk(find, policy, f"judged with the factor sets and the policy of {log}")
