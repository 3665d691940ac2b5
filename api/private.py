"""Private reading and uploading with a party's own key: short tokens, asked for when they are needed, and evidence.

The key signs an assertion at home. Whom it is for is read from the proven
Programme and never from what a server says, so that one server cannot use at
another what was signed for it. A token leaves over TLS or within this machine.

Source: RFC 7523; docs/access.md; THREATS S07, T16.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlencode

import httpx
from msgspec import Struct

from api.assertions import token_form
from api.client import Client
from api.grants import TOKEN_PATH, Granted
from api.transport import decode
from keys.keyfile import StoredKey
from ledger.errors import NotAllowed, Unreadable

EVIDENCE_BYTES_MAX = 64 * 1024 * 1024
RENEW_BEFORE_S = 60
_PIECE_BYTES = 64 * 1024
_OUTDATED = ("bad_token", "no_token")
T = TypeVar("T")


class Kept(Struct, frozen=True):
    """Evidence that a service keeps. Units: `size` in bytes."""

    claim: str
    digest: str
    owner: str
    size: int
    visibility: Literal["private", "public"]
    new: bool


class Private:
    """What a party may do at a service beyond reading what is published. Its client stays the caller's to close."""

    def __init__(self, client: Client, key: StoredKey, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises: Unreadable `bad_server_url` for a server that a token must not be sent to."""
        self._client = client
        self._key = key
        self._clock = clock
        self._token, self._good_until_s = "", 0.0
        url = httpx.URL(client.transport.server)
        if url.scheme != "https" and not _is_here(url.host):
            raise Unreadable("bad_server_url", f"{url}: a token is sent over https alone", server=str(url))

    def token(self) -> str:
        """An access token, kept until shortly before it ends.

        Raises: NotAllowed and Malformed as the service refuses; Unavailable; Unreadable `wrong_key_type`.
        """
        if self._clock() >= self._good_until_s:
            audience = self._client.programme().base_url.rstrip("/") + TOKEN_PATH

            # An assertion serves once, so each attempt signs its own.
            def form() -> Iterator[bytes]:
                yield urlencode(token_form(self._key, audience=audience)).encode("ascii")

            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            asked_s = self._clock()
            answer = self._client.transport.call("POST", TOKEN_PATH, content=form, headers=headers)
            granted: Granted = decode(answer.body, Granted)
            self._token = granted.access_token
            self._good_until_s = asked_s + max(0, granted.expires_in - RENEW_BEFORE_S)
        return self._token

    def put_evidence(self, file: Path, *, claim: str, visibility: Literal["private", "public"] = "private") -> Kept:
        """Upload evidence of a claim, which may not be recorded yet, under the hash of its bytes.

        Raises: the refusals of the service; Unreadable `unreadable_file`.
        """
        try:
            with file.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise Unreadable("unreadable_file", f"{file}: {error.strerror}", path=str(file)) from None

        def pieces() -> Iterator[bytes]:
            with file.open("rb") as opened:
                while piece := opened.read(_PIECE_BYTES):
                    yield piece

        def put() -> bytes:
            return self._client.transport.call(
                "PUT",
                f"/v1/evidence/{digest}",
                content=pieces,
                headers={**self._bearer(), "Content-Type": "application/octet-stream"},
                params=[("claim", claim), ("visibility", visibility)],
            ).body

        kept: Kept = decode(self._with_token(put), Kept)
        return kept

    def get_evidence(self, digest: str, *, claim: str, to: Path) -> None:
        """Read evidence into a file that appears when its bytes are whole and have this hash.

        Raises: Malformed `no_evidence`; Unproven `evidence_damaged`; Unreadable `unreadable_file`.
        """

        def get() -> None:
            self._client.transport.download(
                f"/v1/evidence/{digest}",
                to,
                limit=EVIDENCE_BYTES_MAX,
                headers=self._bearer(),
                params=[("claim", claim)],
                sha256=digest,
            )

        self._with_token(get)

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token()}"}

    def _with_token(self, act: Callable[[], T]) -> T:
        """Do it, and once more with a new token where the service no longer takes the one that is kept."""
        try:
            return act()
        except NotAllowed as error:
            if error.code not in _OUTDATED:
                raise
            self._good_until_s = 0.0
            return act()


def _is_here(host: str) -> bool:
    """Whether a host is this machine, by its very name or address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
