"""Commands that write: sign, submit, import, correct."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import msgspec
import typer

from api.cli.options import DEFAULT_DATA, Data, Json, PassphraseFile, Server
from api.cli.output import EXIT_REFUSED, err, out, print_json, print_json_list, tracked
from ledger.domain.statements.members import Subject
from ledger.errors import LedgerError, Malformed, Unreadable

if TYPE_CHECKING:
    from api.book import Book
    from ledger.service.answers import Proof

STATEMENT_FILE_BYTES_MAX = 64 * 1024
LINE_BYTES_MAX = STATEMENT_FILE_BYTES_MAX  # above what a statement may have, so that a longer one is refused


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    for name, command in (("sign", sign), ("submit", submit), ("import", import_), ("correct", correct)):
        app.command(name)(command)


def sign(
    kind: Annotated[str, typer.Argument(help="Claim, Party, Correction, ... (docs/rules.md)")],
    subject: Annotated[Path, typer.Option("--subject", help="JSON file: the credentialSubject.")],
    issuer: Annotated[str, typer.Option("--issuer", help="Id of the party that says it.")],
    key: Annotated[str, typer.Option("--key", help="Name of the author's key.")],
    approve: Annotated[list[str] | None, typer.Option("--approve", help="Name of each further key, in order.")] = None,
    output: Annotated[Path, typer.Option("--out", help="Where the signed statement goes.")] = Path("statement.jws"),
    data: Data = DEFAULT_DATA,
    server: Server = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign a statement for this ledger, with keys of DIR/keys; nothing is sent.

    Example:  gigaton sign Correction --subject withdraw.json --issuer https://... --key "Acme: claimant"
    """
    from api.author import Hand, state
    from api.cli.books import open_book
    from api.keyrings import find_stored, open_rings, read_passphrase
    from keys.signer import FileSigner
    from ledger.domain.statements import KINDS

    if kind not in KINDS:
        raise typer.BadParameter(f"one of {', '.join(KINDS)}", param_hint="KIND")
    body = _read_subject(subject, KINDS[kind])
    rings = open_rings(data, read_passphrase(data, passphrase_file))
    hands = []
    for name in (key, *(approve or [])):
        stored = find_stored(rings, name)
        hands.append(Hand(stored.owner, FileSigner.from_stored(stored)))
    with open_book(data, server) as book:
        statement = state(kind, body, ledger=book.name, author=hands[0], approvals=hands[1:], issuer=issuer)
    output.write_bytes(statement)
    out.print(f"{output}: {len(statement)} bytes, {len(hands)} signatures")


def _read_subject(path: Path, shape: Any) -> Subject:
    raw = read_file(path, STATEMENT_FILE_BYTES_MAX)
    try:
        return cast(Subject, msgspec.json.decode(raw, type=shape))
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Malformed("bad_schema", f"{path}: {error}", path=str(path)) from None


def read_file(path: Path, limit: int = STATEMENT_FILE_BYTES_MAX) -> bytes:
    """The bytes of a file of bounded size.

    Raises: Unreadable `unreadable_file`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise Unreadable("unreadable_file", f"{path}: {error.strerror}", path=str(path)) from None
    if len(raw) > limit:
        raise Unreadable("unreadable_file", f"{path} has more than {limit} bytes", path=str(path))
    return raw


def submit(
    statement: Annotated[Path, typer.Argument(help="File with one signed statement (compact JWS).")],
    receipt: Annotated[Path | None, typer.Option("--receipt", help="Where entry and proof go, without ending.")] = None,
    data: Data = DEFAULT_DATA,
    server: Server = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Record one signed statement and keep its receipt. The same bytes again give the same receipt.

    Example:  gigaton submit statement.jws --receipt receipts/claim --data build/demo
    """
    from api.cli.books import open_book
    from api.keyrings import open_rings, read_passphrase

    raw = read_file(statement, STATEMENT_FILE_BYTES_MAX).rstrip(b"\r\n")
    with open_book(data, server, rings=lambda: open_rings(data, read_passphrase(data, passphrase_file))) as book:
        recorded = book.submit(raw)
    if receipt is not None:
        keep_receipt(receipt, recorded.proof)
    if as_json:
        print_json({"index": recorded.index, "size": recorded.size, "new": recorded.new})
    else:
        out.print(f"entry {recorded.index}" + ("" if recorded.new else " (recorded before)"))


def keep_receipt(path: Path, proof: Proof) -> None:
    """Write entry and proof side by side: what a submitter keeps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(path.name + ".json").write_bytes(proof.entry)
    path.with_name(path.name + ".tlog-proof").write_bytes(proof.receipt.encode())


def import_(
    source: Annotated[Path, typer.Argument(help="File with one signed statement a line.")],
    data: Data = DEFAULT_DATA,
    server: Server = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Record many signed statements; each line has its own result and a refusal never stops the rest.

    Lines are read, sent and answered as they come, so a file may have any length.

    Example:  gigaton import statements.txt --data build/demo --json
    """
    from api.cli.books import open_book
    from api.keyrings import open_rings, read_passphrase

    numbers: deque[int] = deque()
    lines = sum(1 for _ in _statements(source, deque())) if source.is_file() else None  # a pipe is read once
    counted = {"recorded": 0, "refused": 0}

    def results(book: Book) -> Iterator[dict[str, object]]:
        answers = book.submit_all(_statements(source, numbers))
        for answer in tracked(answers, label="import", total=lines):
            if isinstance(answer, LedgerError):
                counted["refused"] += 1
                yield {"line": numbers.popleft(), "code": answer.code, "message": answer.message}
            else:
                counted["recorded"] += 1
                yield {"line": numbers.popleft(), "index": answer.index, "new": answer.new}

    with open_book(data, server, rings=lambda: open_rings(data, read_passphrase(data, passphrase_file))) as book:
        if as_json:
            print_json_list(results(book))
        else:
            for result in results(book):
                if "code" in result:
                    err.print(f"line {result['line']}: {result['code']}: {result['message']}", markup=False)
            out.print(f"{counted['recorded']} recorded, {counted['refused']} refused")
    if counted["refused"]:
        raise typer.Exit(EXIT_REFUSED)


def _statements(path: Path, numbers: deque[int]) -> Iterator[bytes]:
    """The lines of a file that hold something, with their numbers beside them; of one too long, its beginning.

    Raises: Unreadable `unreadable_file`.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while raw := file.readline(LINE_BYTES_MAX):
                number += 1
                rest = raw
                while rest and not rest.endswith(b"\n"):
                    rest = file.readline(LINE_BYTES_MAX)
                if statement := raw.rstrip(b"\r\n"):
                    numbers.append(number)
                    yield statement
    except OSError as error:
        raise Unreadable("unreadable_file", f"{path}: {error.strerror}", path=str(path)) from None


def correct(
    action: Annotated[str, typer.Argument(help="withdraw, reverse, revoke, suspend or reinstate.")],
    index: Annotated[int, typer.Argument(help="Index of the claim's (to revoke: the attestation's) entry.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is recorded.")],
    key: Annotated[str, typer.Option("--key", help="Name of the key that signs.")],
    amount: Annotated[str | None, typer.Option("--amount", help="kg with 3 decimals, to reverse.")] = None,
    data: Data = DEFAULT_DATA,
    server: Server = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Take something back: nothing is edited, a correction is recorded beside it.

    Example:  gigaton correct withdraw 12 --reason "Meter was faulty" --key "Acme: claimant"
    """
    from api.author import Hand, state
    from api.cli.books import open_book
    from api.keyrings import find_stored, open_rings, read_passphrase
    from keys.signer import FileSigner
    from ledger.domain.statements.claim import Correction

    rings = open_rings(data, read_passphrase(data, passphrase_file))
    stored = find_stored(rings, key)
    with open_book(data, server, rings=lambda: rings) as book:
        shown = book.show(index)
        target = {"id": shown.statement.id, "index": index, "entry_hash": shown.entry_hash}
        body = {"action": action, "target": target, "reason": reason} | ({"amount": amount} if amount else {})
        try:
            subject = msgspec.convert(body, Correction)
        except msgspec.ValidationError as error:
            raise Malformed("bad_schema", str(error)) from None
        hand = Hand(stored.owner, FileSigner.from_stored(stored))
        recorded = book.submit(state("Correction", subject, ledger=book.name, author=hand))
    out.print(f"entry {recorded.index}")
