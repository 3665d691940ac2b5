"""From a party's registered key to a short access token, and back to the party on every use.

A client proves that it holds a registered key by an assertion that serves once (private_key_jwt). The token
names that key: a token dies with its key, at the very entry that revokes it. What a token is good for is
private reading alone; statements are authorised by their own signatures.

Source: RFC 6749 section 4.4, RFC 7523 and its successor draft-ietf-oauth-rfc7523bis (one audience, explicit
type), RFC 9068; THREATS S07 to S17, T16, T17.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct
from uuid_utils import uuid4

from api import jwts
from api.grants import ASSERTION_TYP, ASSERTION_TYPE, GRANT_TYPE, TOKEN_PATH, Assertion, Granted
from api.service_keys import ServiceKey
from ledger.core.jws import Kid
from ledger.domain.records import PartyRecord
from ledger.domain.statements.members import PartyId, PublicKey, Role
from ledger.errors import Malformed, NotAllowed, Refused, Unproven
from ledger.sequencer.clock import now_ms
from ledger.service import access
from ledger.service.ledger import Ledger

ACCESS_TYP = "at+jwt"
ASSERTION_SECONDS_MAX = 300
TOKEN_SECONDS = 600
FORM_BYTES_MAX = 32_768
_FIELDS_MAX = 8

_FIELDS = ("grant_type", "client_assertion_type", "client_assertion", "scope")

DRAFTS, READ, WRITE, WEBHOOKS = "drafts", "evidence:read", "evidence:write", "webhooks"
_EVERYONE = frozenset({DRAFTS, READ, WEBHOOKS})
# What beyond it a role may ask for; what one reads then is decided claim by claim.
_BY_ROLE: dict[Role, frozenset[str]] = {"claimant": frozenset({WRITE}), "operator": frozenset({WRITE})}


class AccessToken(Struct, frozen=True, forbid_unknown_fields=True):
    """The claims of an access token; `key` is the registered key that it was obtained with."""

    aud: str
    client_id: PartyId
    exp: jwts.Seconds
    iat: jwts.Seconds
    iss: str
    jti: jwts.Jti
    key: PublicKey
    scope: str
    sub: PartyId


class Caller(NamedTuple):
    """Who a token speaks for, and what for."""

    party: str
    scopes: frozenset[str]


def scopes_of(party: PartyRecord) -> frozenset[str]:
    """What the roles of a party let its tokens be good for."""
    return _EVERYONE.union(*(_BY_ROLE.get(role, frozenset()) for role in party.roles))


def base_url(ledger: Ledger) -> str:
    """Who issues tokens and takes them, as the Programme says it: never as a request does."""
    return ledger.programme.subject.base_url.rstrip("/")


def grant(ledger: Ledger, key: ServiceKey, form: bytes) -> Granted:
    """A token for the party whose key signed the assertion of a form.

    Raises: Malformed for a form that is not in order, `bad_scope`; NotAllowed `bad_assertion`, `assertion_used`;
        Unavailable `busy`, `database_unusable`.
    """
    fields = _read_form(form)
    kid, party = _authenticate(ledger, fields["client_assertion"])
    allowed = scopes_of(party)
    wanted = frozenset(fields["scope"].split(" ")) if "scope" in fields else allowed
    if not wanted <= allowed:
        raise Malformed("bad_scope", f"{party.id} may ask for: {' '.join(sorted(allowed))}")
    issuer, now_s, scope = base_url(ledger), now_ms() // 1000, " ".join(sorted(wanted))
    claims = AccessToken(
        aud=issuer,
        client_id=party.id,
        exp=now_s + TOKEN_SECONDS,
        iat=now_s,
        iss=issuer,
        jti=str(uuid4()),
        key=kid.key_text,
        scope=scope,
        sub=party.id,
    )
    return Granted(jwts.make(claims, key.private, typ=ACCESS_TYP, kid=key.kid), TOKEN_SECONDS, scope)


def identify(ledger: Ledger, key: ServiceKey, token: str) -> Caller:
    """The party that an access token speaks for, at this moment.

    Raises: NotAllowed `bad_token`; Unavailable `busy`, `database_unusable`.
    """
    issuer = base_url(ledger)
    with _refusing("bad_token"):
        header, claims = jwts.read(token, typ=ACCESS_TYP, claims=AccessToken)
        if header.kid != key.kid:
            raise Malformed("bad_kid", "it is signed with no key of this service")
        jwts.verify(token, key.private.public_key(), issuer=issuer, audience=issuer)
        party = access.party_of(ledger, Kid.parse(f"{claims.sub}#ed25519.{claims.key}"))
    if party is None or claims.client_id != claims.sub:
        raise NotAllowed("bad_token", "the key that it was obtained with is no longer in force")
    return Caller(party.id, frozenset(claims.scope.split(" ")) & scopes_of(party))


def _authenticate(ledger: Ledger, assertion: str) -> tuple[Kid, PartyRecord]:
    """The party that signed an assertion for this endpoint, once and just now.

    Raises: NotAllowed `bad_assertion`, `assertion_used`; Unavailable `busy`, `database_unusable`.
    """
    with _refusing("bad_assertion"):
        header, claims = jwts.read(assertion, typ=ASSERTION_TYP, claims=Assertion)
        kid = Kid.parse(header.kid)
        if not kid.party == claims.iss == claims.sub:
            raise Malformed("bad_kid", "kid, iss and sub must name the same party")
        if not 0 < claims.exp - claims.iat <= ASSERTION_SECONDS_MAX:
            raise Malformed("bad_timestamp", f"it must expire 1 to {ASSERTION_SECONDS_MAX} seconds after iat")
        party = access.party_of(ledger, kid)
        if party is None:
            raise Malformed("unknown_key", "this key is not registered to this party, or no longer in force")
        public = Ed25519PublicKey.from_public_bytes(kid.key)
        jwts.verify(assertion, public, issuer=kid.party, audience=base_url(ledger) + TOKEN_PATH)
    expires_ms = (claims.exp + jwts.LEEWAY_S) * 1000
    if not access.use_once(ledger, party=kid.party, jti=claims.jti, expires_ms=expires_ms):
        raise NotAllowed("assertion_used", "an assertion with this jti was used before")
    return kid, party


@contextmanager
def _refusing(code: str) -> Iterator[None]:
    """Whatever is wrong with a proof of identity has one code, and its own in the message."""
    try:
        yield
    except (Refused, Unproven) as error:
        raise NotAllowed(code, f"{error.code}: {error.message}") from None


def _read_form(form: bytes) -> dict[str, str]:
    """The fields of the form, each at most once.

    Raises: Malformed `bad_form`, `unknown_parameter`, `repeated_parameter`, `missing_parameter`, `bad_parameter`.
    """
    fields: dict[str, str] = {}
    try:
        pairs = parse_qsl(
            form.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_FIELDS_MAX,
        )
    except ValueError:
        raise Malformed("bad_form", "the body is no application/x-www-form-urlencoded form") from None
    for name, value in pairs:
        if name not in _FIELDS:
            raise Malformed("unknown_parameter", f"the form takes {', '.join(_FIELDS)}, not {name[:80]!a}")
        if name in fields:
            raise Malformed("repeated_parameter", f"{name} is given twice", parameter=name)
        fields[name] = value
    for name in _FIELDS[:3]:
        if name not in fields:
            raise Malformed("missing_parameter", f"{name} is missing", parameter=name)
    for name, wanted in (("grant_type", GRANT_TYPE), ("client_assertion_type", ASSERTION_TYPE)):
        if fields[name] != wanted:
            raise Malformed("bad_parameter", f"{name} must be {wanted}", parameter=name)
    return fields
