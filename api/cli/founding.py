"""Commands that begin: keygen, init and migrate."""

from __future__ import annotations

from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from api.cli.options import DEFAULT_DATA, Data, Database, Json, PassphraseFile
from api.cli.output import out, print_json

if TYPE_CHECKING:
    from keys.keyfile import StoredKey
    from ledger.service.ledger import Ledger


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("init")(init)
    app.command("keygen")(keygen)
    app.command("migrate")(migrate)


def init(
    origin: Annotated[str, typer.Option("--origin", help="Name of the log: <host>/log. There is no default.")],
    name: Annotated[str, typer.Option("--name", help="Name of the programme.")],
    operator: Annotated[str, typer.Option("--operator", help="Id of the operator: did:web, https or urn:lei.")],
    operator_name: Annotated[str, typer.Option("--operator-name", help="Its legal name.")],
    base_url: Annotated[str, typer.Option("--base-url", help="Where its pages will be.")],
    roots: Annotated[int, typer.Option(min=1, max=7, help="Root keys to make.")] = 3,
    threshold: Annotated[int, typer.Option(min=1, max=7, help="Root signatures that a change needs.")] = 2,
    database: Database = None,
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Found a ledger in an empty directory: keys, entry 0 and a trust file.

    Take the root key files offline afterwards: nothing but a change of the programme needs them.

    Example:  gigaton init --origin ledger.example/log --name "Example" --operator https://ledger.example
    --operator-name "Example Ltd" --base-url https://ledger.example --passphrase-file p.txt
    """
    from api.author import Hand
    from api.founding import DEFAULT_POLICY, programme_statement
    from api.keyrings import read_passphrase
    from api.service_keys import SERVICE, new_service_keys
    from api.wiring import DATABASE_FILE
    from keys.generate import issue_seal, new_key
    from keys.signer import FileSigner
    from keys.trust import Trust, write_trust
    from ledger.domain.statements.members import KeyUse
    from ledger.domain.statements.programme import Party
    from ledger.errors import Unavailable

    if any((data / name).exists() for name in ("ledger.db", DATABASE_FILE, "keys")):
        raise Unavailable("database_exists", f"{data} holds a ledger or keys already", path=str(data))
    passphrase = read_passphrase(data, passphrase_file)
    root_keys = [new_key(name=f"root-{number + 1}", owner=operator, purposes=()) for number in range(roots)]
    log = new_key(name="log", owner=operator, purposes=())
    register = new_key(name="register", owner=operator, purposes=("register",))
    publish = new_key(name="publish", owner=operator, purposes=("publish", "certify"))
    seal = issue_seal(name="seal", common_name=f"{operator_name} certificate seal")
    party = Party(
        id=operator,
        legal_name=operator_name,
        roles=("operator", "registrar"),
        ultimate_owner=operator,
        keys=(KeyUse(register.public, register.purposes), KeyUse(publish.public, publish.purposes)),
        ecosystem_role="operator",
    )
    statement = programme_statement(
        origin=origin,
        name=name,
        base_url=base_url,
        operator=party,
        roots=[Hand(operator, FileSigner.from_stored(stored)) for stored in root_keys],
        threshold=threshold,
        log_key=FileSigner.from_stored(log).public_key,
        policy=DEFAULT_POLICY,
    )
    online = {"operator": (log, register, publish, seal.stored), SERVICE: new_service_keys(operator)}
    rings = {**{one.name: (one,) for one in root_keys}, **online}
    # Before the log: keys without a log can be thrown away, a log without its keys is lost.
    _keep(data / "keys", rings, passphrase, {"seal": seal.certificate, "seal-authority": seal.authority})
    with _found(data, statement, log, database) as ledger:
        genesis, seals = ledger.name.partition("#")[2], (seal.certificate,)
        trust = Trust.build(programme=ledger.programme.subject, genesis=genesis, accreditors={}, seal=seals)
        write_trust(data / "trust.json", trust)
        out.print(f"{ledger.name}\nkeys in {data / 'keys'}: take root-*.age offline\ntrust file {data / 'trust.json'}")


def _found(data: Path, programme: bytes, log: StoredKey, database: str | None) -> Ledger:
    """Found the log; when it is refused, nothing stays of what was kept for it."""
    from api.wiring import DATABASE_FILE, keep_database
    from keys.signer import FileSigner
    from ledger.errors import LedgerError
    from ledger.service.found import found_ledger

    try:
        if database is not None:
            keep_database(data, database)
        return found_ledger(data, programme, signer=FileSigner.from_stored(log), database=database)
    except LedgerError:
        rmtree(data / "keys")
        (data / DATABASE_FILE).unlink(missing_ok=True)
        raise


def _keep(folder: Path, rings: dict[str, tuple[StoredKey, ...]], passphrase: str, certificates: dict[str, str]) -> None:
    from keys.keyfile import KeyRing, write_ring

    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700)
    for name, stored in rings.items():
        write_ring(folder / f"{name}.age", KeyRing(stored), passphrase)
    for name, pem in certificates.items():
        (folder / f"{name}.pem").write_text(pem, encoding="ascii")


def keygen(
    name: Annotated[str | None, typer.Argument(help="What to call the key.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Id of the party that will sign with it.")] = None,
    purpose: Annotated[
        list[str] | None, typer.Option("--purpose", help="claim, attest, review, ...; repeat for more.")
    ] = None,
    service: Annotated[
        bool, typer.Option("--service", help="Make the service's own keys, for tokens and webhooks, in service.age.")
    ] = False,
    data: Data = DEFAULT_DATA,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Make an Ed25519 key in an encrypted file, DIR/keys/NAME.age. An existing file is never replaced.

    Example:  gigaton keygen acme --owner https://acme.example --purpose claim
    """
    from api.keyrings import read_passphrase
    from api.service_keys import SERVICE, new_service_keys
    from keys.generate import new_key
    from keys.keyfile import KeyRing, write_ring
    from ledger.domain.statements.members import Purpose

    if service:
        if name or owner or purpose:
            raise typer.BadParameter("goes without name, owner and purpose", param_hint="--service")
        from api.wiring import open_for_reading

        with open_for_reading(data) as ledger:
            made: tuple[StoredKey, ...] = new_service_keys(ledger.programme.subject.operator.id)
        name = SERVICE
    else:
        if name is None or owner is None or not purpose:
            raise typer.BadParameter("a key needs a name, --owner and --purpose", param_hint="NAME")
        unknown = [one for one in purpose if one not in get_args(Purpose)]
        if unknown:
            raise typer.BadParameter(f"one of {', '.join(get_args(Purpose))}", param_hint="--purpose")
        made = (new_key(name=name, owner=owner, purposes=tuple(purpose)),)  # type: ignore[arg-type]
    folder: Path = data / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{name}.age"
    write_ring(path, KeyRing(made), read_passphrase(data, passphrase_file))
    out.print("\n".join([str(path), *(f"public key {stored.public}" for stored in made)]))


def migrate(
    to: Annotated[int | None, typer.Option("--to", min=1, help="Schema to go to; without it, this release's.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Bring the database to the schema of this release, or back to an older one. Stop what serves it first.

    The log is not touched. Going back loses what only the newer schema holds: drafts, subscriptions and the like.

    Example:  gigaton migrate --data build/demo
    """
    from api.wiring import database_of
    from ledger.service.migrate import migrate as act
    from ledger.store.tables import SCHEMA_VERSION

    done = act(data, database=database_of(data), to=SCHEMA_VERSION if to is None else to)
    if as_json:
        print_json(done)
    elif done.before == done.after:
        out.print(f"schema {done.after} already")
    else:
        out.print(f"schema {done.before} -> {done.after}")
