"""Readers that accept one spelling only: what Python's own parsers forgive is refused here.

Source: DESIGN 4.1, TLOG-SPEC notation; RFC 4648 sections 4 and 5.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from ledger.errors import Malformed

_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,19})\Z")
_HEX = re.compile(r"[0-9a-f]*\Z")
_SECONDS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
_MILLISECONDS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Control, format (which holds the bidi overrides), surrogate, private and unassigned characters, line separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def decimal(text: str, *, limit: int) -> int:
    """A whole number spelled `0|[1-9][0-9]*`, at most `limit`.

    Raises: Malformed `bad_decimal`.
    """
    if not _DECIMAL.match(text):
        raise Malformed("bad_decimal", f"{text[:40]!r} is not a plain decimal")
    value = int(text)
    if value > limit:
        raise Malformed("bad_decimal", f"{value} is above {limit}", limit=limit)
    return value


def base64_bytes(text: str, *, size: int | None = None) -> bytes:
    """Bytes of padded base64 in its one spelling.

    Raises: Malformed `bad_base64`.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("bad_base64", f"{text[:60]!r} is not base64") from None
    if to_base64(raw) != text or (size is not None and len(raw) != size):
        raise Malformed("bad_base64", f"{text[:60]!r} is not the one spelling of {size or 'these'} bytes")
    return raw


def base64url_bytes(text: str | bytes, *, size: int | None = None) -> bytes:
    """Bytes of unpadded base64url in its one spelling.

    Raises: Malformed `bad_base64`.
    """
    given = text.encode("ascii", "replace") if isinstance(text, str) else text
    try:
        raw = base64.urlsafe_b64decode(given + b"=" * (-len(given) % 4))
    except (binascii.Error, ValueError):
        raise Malformed("bad_base64", f"{given[:60]!r} is not base64url") from None
    # The decoder skips what it does not know and forgives spare bits; encoding again does not.
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != given or (size is not None and len(raw) != size):
        raise Malformed("bad_base64", f"{given[:60]!r} is not the one spelling of {size or 'these'} bytes")
    return raw


def to_base64(raw: bytes) -> str:
    """Padded base64."""
    return base64.b64encode(raw).decode("ascii")


def to_base64url(raw: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def hex_bytes(text: str, *, size: int) -> bytes:
    """Bytes of lower-case hex.

    Raises: Malformed `bad_hex`.
    """
    if len(text) != 2 * size or not _HEX.match(text):
        raise Malformed("bad_hex", f"{text[:80]!r} is not {2 * size} lower-case hex digits")
    return bytes.fromhex(text)


@lru_cache(maxsize=4096)
def timestamp_seconds(text: str) -> int:
    """POSIX seconds of `YYYY-MM-DDTHH:MM:SSZ`, from 1970 on.

    Raises: Malformed `bad_timestamp`.
    """
    return _timestamp(text, _SECONDS, "%Y-%m-%dT%H:%M:%SZ") // 1000


def timestamp_milliseconds(text: str) -> int:
    """POSIX milliseconds of `YYYY-MM-DDTHH:MM:SS.mmmZ`, from 1970 on.

    Raises: Malformed `bad_timestamp`.
    """
    if not _MILLISECONDS.match(text):
        raise Malformed("bad_timestamp", f"{text[:40]!r} is no YYYY-MM-DDTHH:MM:SS.mmmZ")
    return timestamp_seconds(text[:19] + "Z") * 1000 + int(text[20:23])


def _timestamp(text: str, pattern: re.Pattern[str], layout: str) -> int:
    if pattern.match(text):
        try:
            moment = datetime.strptime(text, layout).replace(tzinfo=UTC)
        except ValueError:
            pass
        else:
            if moment >= _EPOCH:
                return (moment - _EPOCH) // timedelta(milliseconds=1)
    raise Malformed("bad_timestamp", f"{text[:40]!r} is no YYYY-MM-DDTHH:MM:SSZ")


def format_seconds(seconds: int) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ` of POSIX seconds."""
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_milliseconds(milliseconds: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ` of POSIX milliseconds."""
    return format_seconds(milliseconds // 1000)[:-1] + f".{milliseconds % 1000:03d}Z"


def require_plain_text(text: str) -> None:
    """Hold free text to one spelling, without characters that hide or reorder others.

    Raises: Malformed `bad_text`.
    """
    if text.isascii() and text.isprintable():
        return
    for character in text:
        if unicodedata.category(character) in _REFUSED_CATEGORIES:
            raise Malformed("bad_text", f"the character U+{ord(character):04X} is not allowed in text")
    if not unicodedata.is_normalized("NFC", text):
        raise Malformed("bad_text", "text must be in Unicode normal form C")
