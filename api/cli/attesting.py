"""The command of a verification body at the ledger itself: attest. At home, with the published files, it is
`gigaton-verify attest` and then `gigaton submit`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.options import DEFAULT_DATA, Data, Json, PassphraseFile, Server
from api.cli.output import out, print_json
from ledger.domain.units import format_kg
from ledger.errors import Malformed

if TYPE_CHECKING:
    from api.book import Book
    from keys.keyfile import KeyRing, StoredKey
    from ledger.domain.statements.members import Purpose
    from verifier.attest import Review

KEY_FILE_SUFFIX = ".age"
INDEX_MAX = 2**53 - 1  # what a statement can refer to


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("attest")(attest)


def attest(
    claim: Annotated[int, typer.Argument(min=0, max=INDEX_MAX, help="Index of the claim's entry.")],
    opinion: Annotated[str, typer.Option(help="unmodified, modified, adverse or disclaimed.")],
    verified: Annotated[str, typer.Option(help="Verified reduction, kg with 3 decimals.")],
    key: Annotated[str, typer.Option("--key", help="Your key to attest: its name in DIR/keys, or a .age file.")],
    review_key: Annotated[str | None, typer.Option("--review-key", help="The reviewer's key, named likewise.")] = None,
    assurance: Annotated[str, typer.Option(help="limited or reasonable.")] = "limited",
    materiality_ppm: Annotated[int, typer.Option(help="Materiality in parts per million.")] = 50_000,
    conflict: Annotated[str, typer.Option(help="Your declaration on conflicts of interest.")] = "None.",
    text: Annotated[str, typer.Option("--statement", help="The verification statement in words.")] = "Verified.",
    key_passphrase_file: Annotated[
        Path | None, typer.Option("--key-passphrase-file", help="Passphrase of .age files that have one of their own.")
    ] = None,
    receipt: Annotated[Path | None, typer.Option("--receipt", help="Where entry and proof go, without ending.")] = None,
    data: Data = DEFAULT_DATA,
    server: Server = None,
    passphrase_file: PassphraseFile = None,
    as_json: Json = False,
) -> None:
    """Recompute a claim, sign an opinion on it, record it and keep its receipt.

    Example:  gigaton attest 12 --opinion unmodified --verified 499000.000
    --key "Verify Ltd: attest" --review-key "Verify Ltd: review" --data build/demo
    """
    from api.author import Hand, state
    from api.cli.books import open_book
    from api.cli.writing import keep_receipt
    from api.keyrings import open_rings, read_passphrase
    from keys.signer import FileSigner
    from verifier.attest import draft

    passphrase = read_passphrase(data, passphrase_file)
    rings = open_rings(data, passphrase)
    own = passphrase if key_passphrase_file is None else read_passphrase(data, key_passphrase_file)
    stored = [_find(key, rings, passphrase=own, purpose="attest")]
    if review_key is not None:
        stored.append(_find(review_key, rings, passphrase=own, purpose="review"))
    hands = [Hand(one.owner, FileSigner.from_stored(one)) for one in stored]
    with open_book(data, server, rings=lambda: rings) as book:
        reviewed = _review(book, claim)
        subject = draft(
            reviewed,
            opinion=opinion,
            verified_reduction=verified,
            assurance=assurance,
            materiality_ppm=materiality_ppm,
            conflict_of_interest=conflict,
            statement=text,
        )
        statement = state("Attestation", subject, ledger=book.name, author=hands[0], approvals=hands[1:])
        recorded = book.submit(statement)
    if receipt is not None:
        keep_receipt(receipt, recorded.proof)
    if as_json:
        stated = format_kg(reviewed.record.stated_g)
        figures = {"stated": stated, "recomputed": subject.recomputed, "verified": subject.verified_reduction}
        print_json({"index": recorded.index, "size": recorded.size, "claim": subject.claim, **figures})
        return
    out.print(f"claim {claim}: {reviewed.claim.title}", markup=False)
    out.print(f"  claimed {format_kg(reviewed.record.stated_g)} kg, its inputs give {subject.recomputed} kg")
    out.print(f"entry {recorded.index}: {subject.verified_reduction} kg verified, {subject.opinion}")


def _find(name: str, rings: list[KeyRing], *, passphrase: str, purpose: Purpose) -> StoredKey:
    """A key by its file, which a verifier keeps to itself, or by its name among those of the directory."""
    from api.keyrings import find_stored
    from verifier.attest import find_key

    if name.endswith(KEY_FILE_SUFFIX):
        return find_key(Path(name), passphrase, purpose=purpose)
    return find_stored(rings, name)


def _review(book: Book, index: int) -> Review:
    """A recorded claim beside what its inputs give.

    Raises: Malformed `no_entry`, `not_a_claim`.
    """
    from api.book import estimate_at
    from ledger.domain.statements.claim import Claim
    from ledger.domain.statements.members import Reference
    from verifier.attest import Review

    shown = book.show(index)
    subject = shown.statement.subject
    if not isinstance(subject, Claim) or shown.claim is None:
        raise Malformed("not_a_claim", f"entry {index} is a {shown.statement.kind}, not a claim", index=index)
    method = book.methodology(shown.claim.methodology, shown.claim.methodology_version)
    recomputed = estimate_at(book, method, subject.inputs)
    return Review(Reference(shown.statement.id, index, shown.entry_hash), subject, shown.claim, recomputed)
