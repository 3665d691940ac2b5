"""The client's side of a token: an assertion that a party's own key signs, at home.

Source: RFC 7523; docs/access.md.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from uuid_utils import uuid4

from api import grants, jwts
from keys.keyfile import StoredKey, load_private
from ledger.core.jws import Kid
from ledger.errors import Unreadable
from ledger.sequencer.clock import now_ms

_SECONDS = 120


def token_form(stored: StoredKey, *, audience: str, scope: str | None = None) -> dict[str, str]:
    """What is posted to a token endpoint. `audience` is the endpoint's URL as the party knows it from the
    Programme, never as a server says it: an assertion made for one service must not serve at another.

    Raises: Unreadable `wrong_key_type`, `bad_key_file`.
    """
    private = load_private(stored)
    if not isinstance(private, Ed25519PrivateKey):
        raise Unreadable("wrong_key_type", f"the key {stored.name!r} is no Ed25519 key", name=stored.name)
    now_s = now_ms() // 1000
    claims = grants.Assertion(
        aud=audience, exp=now_s + _SECONDS, iat=now_s, iss=stored.owner, jti=str(uuid4()), sub=stored.owner, nbf=now_s
    )
    kid = str(Kid(stored.owner, private.public_key().public_bytes_raw()))
    return {
        "grant_type": grants.GRANT_TYPE,
        "client_assertion_type": grants.ASSERTION_TYPE,
        "client_assertion": jwts.make(claims, private, typ=grants.ASSERTION_TYP, kid=kid),
        **({} if scope is None else {"scope": scope}),
    }
