"""Values and their one JSON spelling: decode, encode again sorted, compare.

RFC 8785 restricted to strings, whole numbers below 2^53, booleans, arrays and
objects with ASCII member names. Comparing the re-encoded bytes refuses
duplicates, white space, other spellings, a BOM and needless escapes at once.

Source: DESIGN 4.1, RFC 8785.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from ledger.core.strict import require_plain_text
from ledger.errors import Malformed

T = TypeVar("T")

DEPTH_MAX = 32
INTEGER_MAX = 2**53 - 1
BYTES_MAX = 49_152

_ENCODER = msgspec.json.Encoder(order="sorted")
_GENERIC: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}


def encode(value: object) -> bytes:
    """The one spelling of a value."""
    return _ENCODER.encode(value)


def decode(raw: bytes) -> Any:
    """Any JSON value in its one spelling.

    Raises: Malformed `too_large`, `not_json`, `not_canonical`, `bad_value`, `bad_text`, `too_deep`.
    """
    value = _decode(_GENERIC, raw)
    _require_restricted(value, depth=1)
    _require_same(value, raw)
    return value


def decode_as(raw: bytes, shape: type[T]) -> T:
    """A value of a typed schema in its one spelling.

    Raises: Malformed `too_large`, `not_json`, `bad_schema`, `not_canonical`, `bad_text`, `too_deep`.
    """
    value = _decode(_decoder_of(shape), raw)
    _require_same(value, raw)
    if not raw.isascii() or b"\\" in raw or b"\x7f" in raw:
        _require_plain(msgspec.json.decode(raw))
    return value  # type: ignore[no-any-return]


def peek(raw: bytes, shape: type[T]) -> T:
    """The members that `shape` names, whatever else there is; for choosing the schema only.

    Raises: Malformed `too_large`, `not_json`, `bad_schema`, `too_deep`.
    """
    return _decode(_decoder_of(shape), raw)  # type: ignore[no-any-return]


def _decoder_of(shape: Any) -> msgspec.json.Decoder[Any]:
    decoder = _DECODERS.get(shape)
    if decoder is None:
        decoder = _DECODERS[shape] = msgspec.json.Decoder(shape)
    return decoder


def _decode(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:
    if len(raw) > BYTES_MAX:
        raise Malformed("too_large", f"{len(raw)} bytes of JSON, at most {BYTES_MAX} are read", limit=BYTES_MAX)
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise Malformed("bad_schema", str(error)) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Malformed("not_json", str(error)) from None
    except RecursionError:
        raise Malformed("too_deep", f"nested more than {DEPTH_MAX} deep") from None


def _require_same(value: object, raw: bytes) -> None:
    if _ENCODER.encode(value) != raw:
        raise Malformed("not_canonical", "the JSON is not in its one spelling (RFC 8785)")


def _require_restricted(value: Any, *, depth: int) -> None:
    if depth > DEPTH_MAX:
        raise Malformed("too_deep", f"nested more than {DEPTH_MAX} deep")
    if isinstance(value, dict):
        for name, member in value.items():
            if not name.isascii():
                raise Malformed("bad_value", f"the member name {name[:40]!r} is not ASCII")
            require_plain_text(name)
            _require_restricted(member, depth=depth + 1)
    elif isinstance(value, list):
        for member in value:
            _require_restricted(member, depth=depth + 1)
    elif isinstance(value, str):
        require_plain_text(value)
    elif isinstance(value, bool):
        return
    elif not isinstance(value, int) or abs(value) > INTEGER_MAX:
        raise Malformed("bad_value", f"{str(value)[:40]} is no whole number below 2^53, text or truth value")


def _require_plain(value: Any) -> None:
    if isinstance(value, str):
        require_plain_text(value)
    elif isinstance(value, list):
        for member in value:
            _require_plain(member)
    elif isinstance(value, dict):
        for name, member in value.items():
            require_plain_text(name)
            _require_plain(member)
