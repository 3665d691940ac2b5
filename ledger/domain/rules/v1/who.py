"""Who may say it: keys, purposes, roles and approvals, all judged by position in the log.

Source: RULES 1 (`Party`, `Key`, `Accreditation`) and its first section.
"""

from __future__ import annotations

from ledger.core.jws import Kid
from ledger.domain.records import KeyRecord, PartyRecord, ProgrammeRecord, StatementRecord
from ledger.domain.statements import Statement
from ledger.domain.statements.members import Purpose, Reference, Role
from ledger.domain.view import StateView
from ledger.errors import Conflict, NotAllowed

# Which roles may hold a key of which purpose; `recover` belongs to everyone.
ROLES_BY_PURPOSE: dict[Purpose, frozenset[Role]] = {
    "claim": frozenset({"claimant"}),
    "attest": frozenset({"verifier"}),
    "review": frozenset({"verifier"}),
    "accredit": frozenset({"accreditor"}),
    "register": frozenset({"registrar"}),
    "publish": frozenset({"methodologist", "operator"}),
    "certify": frozenset({"operator"}),
}


def require_programme(view: StateView) -> ProgrammeRecord:
    """Raises: NotAllowed `no_programme` before entry 0."""
    programme = view.get(ProgrammeRecord, "programme")
    if programme is None:
        raise NotAllowed("no_programme", "the log has no Programme yet; it must be entry 0")
    return programme


def require_party(view: StateView, party: str) -> PartyRecord:
    """Raises: NotAllowed `unknown_party`."""
    record = view.get(PartyRecord, party)
    if record is None:
        raise NotAllowed("unknown_party", f"{party} is not registered", party=party)
    return record


def require_role(party: PartyRecord, role: Role) -> None:
    """Raises: NotAllowed `missing_role`."""
    if role not in party.roles:
        raise NotAllowed("missing_role", f"{party.id} is registered, but not as {role}", party=party.id, role=role)


def require_key(view: StateView, kid: Kid, *, purpose: Purpose) -> KeyRecord:
    """The key of a signature, in force for its purpose at this index.

    Raises: NotAllowed `unknown_key`, `key_of_another`, `key_revoked` or `wrong_purpose`.
    """
    key = kid.key_text
    record = view.get(KeyRecord, key)
    if record is None:
        raise NotAllowed("unknown_key", f"the key {key} is not registered", key=key)
    if record.serves != "party" or record.owner != kid.party:
        raise NotAllowed("key_of_another", f"the key {key} does not belong to {kid.party}", key=key, party=kid.party)
    if record.revoked_index is not None:
        raise NotAllowed("key_revoked", f"the key {key} was revoked by entry {record.revoked_index}", key=key)
    if purpose not in record.purposes:
        raise NotAllowed(
            "wrong_purpose",
            f"the key {key} may {', '.join(record.purposes)}, but not {purpose}",
            key=key,
            purpose=purpose,
        )
    return record


def require_author(view: StateView, statement: Statement, *, role: Role, purpose: Purpose) -> PartyRecord:
    """The issuer, signing first with a key of its own that serves this purpose.

    Raises: NotAllowed `signer_is_not_issuer` and the codes of `require_party`, `require_role`, `require_key`.
    """
    require_issuer_signs(statement)
    party = require_party(view, statement.issuer)
    require_role(party, role)
    require_key(view, statement.signers[0], purpose=purpose)
    return party


def require_issuer_signs(statement: Statement) -> None:
    """Raises: NotAllowed `signer_is_not_issuer` unless the first signature is the issuer's."""
    if statement.signers[0].party != statement.issuer:
        raise NotAllowed(
            "signer_is_not_issuer",
            f"issued by {statement.issuer}, signed by {statement.signers[0].party}",
            issuer=statement.issuer,
        )


def require_no_approval(statement: Statement) -> None:
    """Raises: NotAllowed `unexpected_approval` when anyone but the author signed."""
    if len(statement.signers) != 1:
        raise NotAllowed("unexpected_approval", f"a {statement.kind} carries one signature, its author's")


def require_possession(statement: Statement, *, party: str, keys: tuple[str, ...]) -> None:
    """Each new key approves, and nobody else: proof that the party holds it.

    Raises: NotAllowed `no_proof_of_possession`.
    """
    approvals = statement.signers[1:]
    if {kid.key_text for kid in approvals} != set(keys) or any(kid.party != party for kid in approvals):
        raise NotAllowed(
            "no_proof_of_possession",
            f"each new key of {party} must approve its registration, and no other key",
            party=party,
        )


def require_free_keys(view: StateView, keys: tuple[str, ...]) -> None:
    """Raises: Conflict `key_taken` when a key already belongs to anyone, in any role."""
    for key in keys:
        held = view.get(KeyRecord, key)
        if held is not None:
            raise Conflict("key_taken", f"the key {key} already serves {held.owner}", key=key)


def require_purposes_fit(purposes: tuple[Purpose, ...], roles: tuple[Role, ...]) -> None:
    """Raises: NotAllowed `purpose_without_role`."""
    for purpose in purposes:
        if purpose != "recover" and not ROLES_BY_PURPOSE[purpose] & set(roles):
            raise NotAllowed("purpose_without_role", f"a key to {purpose} needs a role that allows it", purpose=purpose)


def require_entry(view: StateView, reference: Reference, *, kind: str) -> StatementRecord:
    """The earlier entry that a reference names: id, index and hash must all be its own.

    Raises: Conflict `unknown_reference`, `wrong_entry` or `wrong_kind`.
    """
    record = view.get(StatementRecord, reference.id)
    if record is None:
        raise Conflict("unknown_reference", f"no statement {reference.id} is recorded", id=reference.id)
    if (record.index, record.entry_hash) != (reference.index, reference.entry_hash):
        raise Conflict(
            "wrong_entry",
            f"{reference.id} is entry {record.index} with another hash or index than named",
            id=reference.id,
        )
    if record.kind != kind:
        raise Conflict("wrong_kind", f"{reference.id} is a {record.kind}, not a {kind}", id=reference.id)
    return record


def may_author_or_register(view: StateView, statement: Statement, *, author: str, purpose: Purpose) -> None:
    """The author of what is corrected signs with `purpose`, or a registrar with `register`.

    Raises: NotAllowed `not_the_author` and the codes of `require_author`.
    """
    require_issuer_signs(statement)
    party = require_party(view, statement.issuer)
    if statement.issuer == author:
        require_key(view, statement.signers[0], purpose=purpose)
    elif "registrar" in party.roles:
        require_key(view, statement.signers[0], purpose="register")
    else:
        raise NotAllowed("not_the_author", f"only {author} or a registrar may correct this", author=author)
