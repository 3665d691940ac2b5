"""Programme, Party, Key and Accreditation: how the log begins and who takes part.

Source: RULES 1, 1.1 and 8.
"""

from __future__ import annotations

import msgspec

from ledger.core.ed25519 import require_strong_key
from ledger.core.note import Vkey
from ledger.core.strict import base64url_bytes, to_base64url
from ledger.domain.ids import require_country, require_distinct
from ledger.domain.period import parse_period
from ledger.domain.records import AccreditationRecord, KeyRecord, PartyRecord, ProgrammeRecord, Record
from ledger.domain.rules.v1 import who
from ledger.domain.statements import Statement
from ledger.domain.statements.members import Purpose
from ledger.domain.statements.programme import (
    Accreditation,
    AccreditationGrant,
    AccreditationReinstate,
    AccreditationSuspend,
    Formats,
    Key,
    KeyAdd,
    KeyRevoke,
    Party,
    Programme,
)
from ledger.domain.totals import Decision
from ledger.domain.view import Position, StateView
from ledger.errors import Conflict, Malformed, NotAllowed, Refused, Unsupported

SUPPORTED = Formats(entry=1, statement=1, rules=1)
ED25519 = 0x01


def decide_programme(view: StateView, position: Position, statement: Statement, subject: Programme) -> Decision:
    """Entry 0, or a later version signed by the thresholds of the old and the new roots."""
    current = view.get(ProgrammeRecord, "programme")
    _check_programme(subject)
    if statement.issuer != subject.operator.id:
        raise NotAllowed(
            "signer_is_not_issuer", "a Programme is issued under the operator's id", issuer=statement.issuer
        )
    if current is None:
        return _found(position, statement, subject)
    before = current.subject
    if subject.version != before.version + 1:
        raise Conflict("version_not_next", f"the next version is {before.version + 1}", version=subject.version)
    if (subject.origin, subject.operator) != (before.origin, before.operator):
        raise Refused("programme_fixed", "origin and operator stay as entry 0 named them")
    if subject.log_keys != before.log_keys:
        raise Unsupported("log_key_handover", "this version of the rules cannot hand the log to another key")
    _require_roots(statement, before)
    _require_roots(statement, subject)
    _require_only_roots(statement, {*before.root.keys, *subject.root.keys})
    new_roots = tuple(key for key in subject.root.keys if key not in before.root.keys)
    who.require_free_keys(view, new_roots)
    records: list[Record] = [ProgrammeRecord("programme", current.ledger, position.index, subject)]
    records += [KeyRecord(key, subject.operator.id, "root", (), position.index) for key in new_roots]
    return Decision(tuple(records))


def _found(position: Position, statement: Statement, subject: Programme) -> Decision:
    if position.index != 0 or subject.version != 1:
        raise Conflict("version_not_next", "the first Programme is version 1 and entry 0", version=subject.version)
    if statement.ledger != subject.origin:
        raise NotAllowed(
            "other_ledger", f"entry 0 of {subject.origin} must name it as its ledger", ledger=statement.ledger
        )
    _require_roots(statement, subject)
    _require_only_roots(statement, set(subject.root.keys))
    operator = subject.operator
    log_keys = tuple(to_base64url(Vkey.parse(one.vkey).public_key) for one in subject.log_keys)
    own = tuple(use.key for use in operator.keys)
    require_distinct((*subject.root.keys, *log_keys, *own), what="root, log and operator keys")
    if not {"operator", "registrar"} <= set(operator.roles):
        raise NotAllowed("missing_role", "the operator must be operator and registrar", party=operator.id)
    ledger = f"{subject.origin}#{position.entry_hash}"
    records: list[Record] = [ProgrammeRecord("programme", ledger, 0, subject)]
    records += [KeyRecord(key, operator.id, "root", (), 0) for key in subject.root.keys]
    records += [KeyRecord(key, operator.id, "log", (), 0) for key in log_keys]
    return Decision((*records, *_register(operator, position)))


def _check_programme(subject: Programme) -> None:
    if subject.formats != SUPPORTED:
        raise Unsupported("unsupported_formats", "this release knows formats entry 1, statement 1, rules 1")
    root, policy = subject.root, subject.policy
    require_distinct(root.keys, what="root keys")
    require_distinct(policy.gwp_sets, what="policy.gwp_sets")
    require_distinct(subject.witnesses, what="witnesses")
    if root.threshold > len(root.keys):
        raise Malformed("bad_threshold", f"{len(root.keys)} root keys cannot meet a threshold of {root.threshold}")
    if policy.quorum_high < policy.quorum:
        raise Malformed("bad_policy", "policy.quorum_high is below policy.quorum")
    for key in root.keys:
        require_strong_key(base64url_bytes(key, size=32))
    for text in subject.witnesses:
        require_strong_key(Vkey.parse(text).public_key)
    if [one.from_size for one in subject.log_keys] != [0]:
        raise Unsupported("log_key_handover", "this version of the rules has one log key, good from size 0")
    vkey = Vkey.parse(subject.log_keys[0].vkey)
    if vkey.name != subject.origin or vkey.algorithm != ED25519:
        raise Malformed(
            "bad_log_key", "the log key must be Ed25519 and carry the origin as its name", origin=subject.origin
        )
    require_strong_key(vkey.public_key)
    _check_party(subject.operator)


def _require_roots(statement: Statement, programme: Programme) -> None:
    """Raises: NotAllowed `below_threshold`."""
    signed = {kid.key_text for kid in statement.signers} & set(programme.root.keys)
    if len(signed) < programme.root.threshold:
        raise NotAllowed(
            "below_threshold",
            f"{len(signed)} of the {programme.root.threshold} root signatures that version "
            f"{programme.version} asks for",
            version=programme.version,
        )


def _require_only_roots(statement: Statement, roots: set[str]) -> None:
    for kid in statement.signers:
        if kid.party != statement.issuer or kid.key_text not in roots:
            raise NotAllowed("unexpected_approval", "a Programme is signed by its root keys alone", party=kid.party)


def decide_party(view: StateView, position: Position, statement: Statement, subject: Party) -> Decision:
    """A new organisation, enrolled by a registrar, with proof that it holds each of its keys."""
    who.require_author(view, statement, role="registrar", purpose="register")
    if view.get(PartyRecord, subject.id) is not None:
        raise Conflict("party_exists", f"{subject.id} is registered already", party=subject.id)
    if "operator" in subject.roles:
        raise NotAllowed("role_reserved", "only a Programme names the operator", role="operator")
    _check_party(subject)
    keys = tuple(use.key for use in subject.keys)
    who.require_free_keys(view, keys)
    who.require_possession(statement, party=subject.id, keys=keys)
    return Decision(tuple(_register(subject, position)))


def _check_party(subject: Party) -> None:
    require_distinct(subject.roles, what="roles")
    require_distinct(tuple(use.key for use in subject.keys), what="keys")
    if subject.country is not None:
        require_country(subject.country)
    for use in subject.keys:
        require_distinct(use.purposes, what="purposes")
        who.require_purposes_fit(use.purposes, subject.roles)
        require_strong_key(base64url_bytes(use.key, size=32))


def _register(subject: Party, position: Position) -> list[Record]:
    party = PartyRecord(
        id=subject.id,
        legal_name=subject.legal_name,
        country=subject.country,
        roles=subject.roles,
        ultimate_owner=subject.ultimate_owner,
        ecosystem_role=subject.ecosystem_role,
        index=position.index,
    )
    return [party, *(KeyRecord(use.key, subject.id, "party", use.purposes, position.index) for use in subject.keys)]


def decide_key(view: StateView, position: Position, statement: Statement, subject: Key) -> Decision:
    """A key more, or the end of one, said by a key that may do at least as much or by the recovery key."""
    who.require_issuer_signs(statement)
    party = who.require_party(view, statement.issuer)
    if isinstance(subject, KeyAdd):
        require_distinct(subject.purposes, what="purposes")
        who.require_purposes_fit(subject.purposes, party.roles)
        require_strong_key(base64url_bytes(subject.key, size=32))
        _require_power(view, statement, subject.purposes)
        who.require_free_keys(view, (subject.key,))
        who.require_possession(statement, party=party.id, keys=(subject.key,))
        return Decision((KeyRecord(subject.key, party.id, "party", subject.purposes, position.index),))
    if isinstance(subject, KeyRevoke):
        who.require_no_approval(statement)
        if subject.compromised_since is not None:
            raise Unsupported("compromise_unsupported", "this version of the rules cannot mark a compromised range")
        target = view.get(KeyRecord, subject.key)
        if target is None or target.owner != party.id or target.serves != "party":
            raise NotAllowed("key_of_another", f"{subject.key} is no key of {party.id}", key=subject.key)
        if target.revoked_index is not None:
            raise Conflict(
                "key_revoked", f"the key was revoked by entry {target.revoked_index} already", key=subject.key
            )
        _require_power(view, statement, target.purposes)
        return Decision((msgspec.structs.replace(target, revoked_index=position.index),))
    raise Unsupported(
        "rotation_unsupported", "this version of the rules cannot rotate a key: add one and revoke the other"
    )


def _require_power(view: StateView, statement: Statement, purposes: tuple[Purpose, ...]) -> None:
    """A key may give or take only what it holds itself; the recovery key may do both for all.

    Raises: NotAllowed `wrong_purpose` and the codes of `who.require_key`.
    """
    held = view.get(KeyRecord, statement.signers[0].key_text)
    if held is not None and "recover" in held.purposes:
        purposes = ("recover",)
    for purpose in purposes:
        who.require_key(view, statement.signers[0], purpose=purpose)


def decide_accreditation(view: StateView, position: Position, statement: Statement, subject: Accreditation) -> Decision:
    """A grant to named keys of a verifier, and its suspension, reinstatement or withdrawal."""
    accreditor = who.require_author(view, statement, role="accreditor", purpose="accredit")
    who.require_no_approval(statement)
    if isinstance(subject, AccreditationGrant):
        return _grant(view, position, statement, subject, accreditor)
    grant = view.get(AccreditationRecord, subject.accreditation)
    if grant is None or grant.accreditor != accreditor.id:
        raise NotAllowed("not_the_author", f"{accreditor.id} granted no accreditation {subject.accreditation}")
    if isinstance(subject, AccreditationSuspend):
        allowed, status = {"in-force"}, "suspended"
    elif isinstance(subject, AccreditationReinstate):
        allowed, status = {"suspended"}, "in-force"
    else:
        allowed, status = {"in-force", "suspended"}, "withdrawn"
    if grant.status not in allowed:
        raise Conflict("wrong_status", f"the accreditation is {grant.status}", status=grant.status)
    return Decision((msgspec.structs.replace(grant, status=status),))


def _grant(
    view: StateView, position: Position, statement: Statement, subject: AccreditationGrant, accreditor: PartyRecord
) -> Decision:
    verifier = who.require_party(view, subject.verifier)
    who.require_role(verifier, "verifier")
    if verifier.ultimate_owner == accreditor.ultimate_owner or verifier.id == accreditor.id:
        raise NotAllowed(
            "not_independent", "an accreditor cannot accredit what its own owner owns", verifier=verifier.id
        )
    for what in ("keys", "standards", "families", "sectors", "levels"):
        require_distinct(getattr(subject, what), what=what)
    for key in subject.keys:
        held = view.get(KeyRecord, key)
        if held is None or held.owner != verifier.id or "attest" not in held.purposes or held.revoked_index is not None:
            raise NotAllowed("unknown_key", f"{key} is no key in force of {verifier.id} to attest with", key=key)
    period = parse_period(start=subject.from_, end=subject.until)
    record = AccreditationRecord(
        id=statement.id,
        index=position.index,
        accreditor=accreditor.id,
        accreditor_key=statement.signers[0].key_text,
        verifier=verifier.id,
        keys=subject.keys,
        standards=subject.standards,
        families=subject.families,
        sectors=subject.sectors,
        levels=subject.levels,
        from_day=period.start,
        until_day=period.end,
        status="in-force",
    )
    return Decision((record,))
