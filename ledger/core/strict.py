"""Readers that accept one spelling only: what Python's own parsers forgive is refused here.

Source: DESIGN 4.1, TLOG-SPEC notation; RFC 4648 sections 4 and 5.
"""

from __future__ import annotations

import binascii
import re
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pybase64

from ledger.core.characters import allowed_text
from ledger.errors import Malformed

_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,19})\Z")
_HEX = re.compile(r"[0-9a-f]*\Z")
_SECONDS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z")
_MILLISECONDS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# By the length modulo 4: how the text ends in base64, and which last characters leave no spare bit set.
_PADDING = (b"", b"", b"==", b"=")
_LAST = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")


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
        raw = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise Malformed("bad_base64", f"{text[:60]!r} is not base64") from None
    # The decoder forgives spare bits in the last character; encoding again does not.
    if to_base64(raw) != text:
        raise Malformed("bad_base64", f"{text[:60]!r} is not the one spelling of its bytes")
    _require_size(raw, size)
    return raw


def base64url_bytes(text: str | bytes, *, size: int | None = None) -> bytes:
    """Bytes of unpadded base64url in its one spelling.

    Raises: Malformed `bad_base64`.
    """
    given = text.encode("ascii", "replace") if isinstance(text, str) else text
    rest = len(given) % 4
    try:
        # Decoders forgive padding within the text, and `+/` beside `-_`.
        if b"=" in given or b"+" in given or b"/" in given:
            raise binascii.Error
        raw = pybase64.b64decode(given + _PADDING[rest], b"-_", validate=True)
    except binascii.Error:
        raise Malformed("bad_base64", f"{text[:60]!r} is not base64url") from None
    if rest and given[-1] not in _LAST[rest]:
        raise Malformed("bad_base64", f"{text[:60]!r} is not the one spelling of its bytes")
    _require_size(raw, size)
    return raw


def _require_size(raw: bytes, size: int | None) -> None:
    if size is not None and len(raw) != size:
        raise Malformed("bad_base64", f"{len(raw)} bytes where {size} belong", size=size)


def to_base64(raw: bytes) -> str:
    """Padded base64."""
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def to_base64url(raw: bytes) -> str:
    """Unpadded base64url."""
    return pybase64.b64encode_as_string(raw, b"-_").rstrip("=")


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
    if _SECONDS.match(text):
        year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
        with suppress(ValueError):
            moment = datetime(year, month, day, int(text[11:13]), int(text[14:16]), int(text[17:19]), tzinfo=UTC)
            if moment >= _EPOCH:
                return (moment - _EPOCH) // timedelta(seconds=1)
    raise Malformed("bad_timestamp", f"{text[:40]!r} is no moment YYYY-MM-DDTHH:MM:SSZ")


@lru_cache(maxsize=4096)
def timestamp_milliseconds(text: str) -> int:
    """POSIX milliseconds of `YYYY-MM-DDTHH:MM:SS.mmmZ`, from 1970 on.

    Raises: Malformed `bad_timestamp`.
    """
    if not _MILLISECONDS.match(text):
        raise Malformed("bad_timestamp", f"{text[:40]!r} is no moment YYYY-MM-DDTHH:MM:SS.mmmZ")
    return timestamp_seconds(text[:19] + "Z") * 1000 + int(text[20:23])


@lru_cache(maxsize=1024)
def format_seconds(seconds: int) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ` of POSIX seconds."""
    assert seconds >= 0, "no clock of ours stands before 1970"
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19] + "Z"


def format_milliseconds(milliseconds: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ` of POSIX milliseconds."""
    return f"{format_seconds(milliseconds // 1000)[:-1]}.{milliseconds % 1000:03d}Z"


def require_plain_text(text: str) -> None:
    """Hold free text to one spelling, without characters that hide or reorder others.

    Raises: Malformed `bad_text`.
    """
    if text.isascii() and text.isprintable():
        return
    match = allowed_text().match(text)
    if match is not None and match.end() != len(text):
        raise Malformed("bad_text", f"the character U+{ord(text[match.end()]):04X} is not allowed in text")
    if not unicodedata.is_normalized("NFC", text):
        raise Malformed("bad_text", "text must be in Unicode normal form C")
