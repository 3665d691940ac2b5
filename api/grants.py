"""What client and service say to each other about a token; neither needs the other's side for it.

Source: RFC 6749 section 4.4, RFC 7523; docs/access.md.
"""

from __future__ import annotations

from msgspec import Struct

from api import jwts
from ledger.domain.statements.members import PartyId

ASSERTION_TYP = "client-authentication+jwt"
TOKEN_PATH = "/v1/token"  # noqa: S105 - a path, no secret
FORM_TYPE = "application/x-www-form-urlencoded"
GRANT_TYPE = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Assertion(Struct, frozen=True, forbid_unknown_fields=True):
    """The claims of a client assertion, all that it may hold."""

    aud: str
    exp: jwts.Seconds
    iat: jwts.Seconds
    iss: PartyId
    jti: jwts.Jti
    sub: PartyId
    nbf: jwts.Seconds = 0


class Granted(Struct, frozen=True):
    """The answer of the token endpoint (RFC 6749, section 5.1)."""

    access_token: str
    expires_in: int
    scope: str
    token_type: str = "Bearer"  # noqa: S105 - a kind, no secret
