"""Values and their one JSON spelling: decode, encode again sorted, compare.

RFC 8785 restricted to strings, whole numbers below 2^53, booleans, arrays and
objects with ASCII member names. Comparing the re-encoded bytes refuses
duplicates, white space, other spellings, a BOM and needless escapes at once.

Source: DESIGN 4.1, RFC 8785.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeVar, get_origin

import msgspec
from msgspec import inspect

from ledger.core.strict import require_plain_text
from ledger.errors import Malformed

T = TypeVar("T")

DEPTH_MAX = 32
INTEGER_MAX = 2**53 - 1
BYTES_MAX = 49_152
_MESSAGE_CHARACTERS_MAX = 200

_ENCODER = msgspec.json.Encoder(order="sorted")


class _Reader(NamedTuple):
    """A decoder, and whether its shape alone keeps values within the restricted JSON."""

    decoder: msgspec.json.Decoder[Any]
    is_narrow: bool


_GENERIC = _Reader(msgspec.json.Decoder(), is_narrow=False)
_READERS: dict[Any, _Reader] = {}


def encode(value: object) -> bytes:
    """The one spelling of a value."""
    return _ENCODER.encode(value)


def decode(raw: bytes) -> Any:
    """Any JSON value in its one spelling.

    Raises: Malformed `too_large`, `not_utf8`, `not_json`, `too_deep`, `bad_value`, `not_canonical`, `bad_text`.
    """
    value = _decode(_GENERIC, raw)
    _require_restricted(value, depth=0)
    _require_one_spelling(value, raw)
    return value


def decode_as(raw: bytes, shape: type[T]) -> T:
    """A value of a typed schema in its one spelling.

    Raises: Malformed `bad_schema` (with the path of the member, where there is one) and the codes of `decode`.
    """
    reader = _reader_of(shape)
    value = _decode(reader, raw)
    if not reader.is_narrow:
        _require_restricted(_decode(_GENERIC, raw), depth=0)
    _require_one_spelling(value, raw)
    return value  # type: ignore[no-any-return]


def peek(raw: bytes, shape: type[T]) -> T:
    """The members that `shape` names, whatever else there is; for choosing the schema only.

    Raises: Malformed `too_large`, `not_utf8`, `not_json`, `bad_schema`, `too_deep`.
    """
    return _decode(_reader_of(shape), raw)  # type: ignore[no-any-return]


def prepare(*shapes: Any) -> None:
    """Make ready to read these shapes, before there are threads: called where they are defined.

    msgspec 0.22 notes what it knows of a class before it knows all of it. A thread that reads at that moment, by any
    shape that holds the same class, ends the process with a segmentation fault.
    """
    for shape in shapes:
        _reader_of(shape)


def _reader_of(shape: Any) -> _Reader:
    reader = _READERS.get(shape)
    if reader is None:
        narrow = _is_narrow(inspect.type_info(shape), room=DEPTH_MAX)
        reader = _READERS[shape] = _Reader(msgspec.json.Decoder(shape), narrow)
    return reader


def _decode(reader: _Reader, raw: bytes) -> Any:
    if len(raw) > BYTES_MAX:
        raise Malformed("too_large", f"{len(raw)} bytes of JSON, at most {BYTES_MAX} are read", limit=BYTES_MAX)
    try:
        return reader.decoder.decode(raw)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        path = path.replace("`", "") or "$"
        # Without a schema, only a number can be out of range.
        code = "bad_value" if reader is _GENERIC else "bad_schema"
        raise Malformed(code, _cut(f"{message} at {path}"), path=_cut(path)) from None
    except UnicodeDecodeError:
        raise Malformed("not_utf8", "the bytes are not UTF-8") from None
    except msgspec.DecodeError as error:
        raise Malformed("not_json", _cut(str(error))) from None
    except RecursionError:
        raise Malformed("too_deep", f"nested more than {DEPTH_MAX} deep", limit=DEPTH_MAX) from None


def _cut(text: str) -> str:
    """A message that names members as the sender wrote them, safe to print."""
    return ascii(text[:_MESSAGE_CHARACTERS_MAX])[1:-1]


def _require_one_spelling(value: object, raw: bytes) -> None:
    if _ENCODER.encode(value) != raw:
        raise Malformed("not_canonical", "the JSON is not in its one spelling (RFC 8785)")
    if raw.isascii() and b"\\" not in raw and b"\x7f" not in raw:
        return
    # Text is judged in one piece: a quotation mark composes with nothing, and in this spelling a backslash
    # stands only before a quotation mark, a backslash or the name of a control character.
    if b"\\" in raw.replace(rb"\\", b"").replace(rb"\"", b""):
        raise Malformed("bad_text", "an escaped control character is not allowed in text")
    require_plain_text(raw.decode("utf-8"))


def _require_restricted(value: Any, *, depth: int) -> None:
    """Raises: Malformed `too_deep`, `bad_value`; `depth` counts the arrays and objects around the value."""
    if isinstance(value, dict | list) and depth == DEPTH_MAX:
        raise Malformed("too_deep", f"nested more than {DEPTH_MAX} deep", limit=DEPTH_MAX)
    if isinstance(value, dict):
        for name, member in value.items():
            if not name.isascii():
                raise Malformed("bad_value", f"the member name {name[:40]!a} is not ASCII")
            _require_restricted(member, depth=depth + 1)
    elif isinstance(value, list):
        for member in value:
            _require_restricted(member, depth=depth + 1)
    elif not isinstance(value, str | bool) and not (isinstance(value, int) and abs(value) <= INTEGER_MAX):
        raise Malformed("bad_value", f"{str(value)[:40]} is no whole number below 2^53, text or truth value")


def _is_narrow(shape: inspect.Type, *, room: int, may_lack: bool = False) -> bool:
    """Whether a typed decode leaves nothing for `_require_restricted` to find; False when in doubt.

    `room` is how many arrays and objects may still be nested; `may_lack` says that None is never written.
    """
    match shape:
        case inspect.BoolType() | inspect.StrType() | inspect.LiteralType():
            return True
        case inspect.IntType(ge=int(low), le=int(high)):
            return low >= -INTEGER_MAX and high <= INTEGER_MAX
        case inspect.NoneType():
            return may_lack
        case inspect.UnionType(types=types):
            return all(_is_narrow(one, room=room, may_lack=may_lack) for one in types)
        case inspect.TupleType(item_types=types):
            return room > 0 and all(_is_narrow(one, room=room - 1) for one in types)
        case inspect.VarTupleType(item_type=item):
            return room > 0 and _is_narrow(item, room=room - 1)
        case inspect.DictType(key_type=inspect.StrType(pattern=str(pattern)), value_type=item):
            return room > 0 and _is_ascii_only(pattern) and _is_narrow(item, room=room - 1)
        case inspect.StructType(cls=struct, fields=fields):
            omits = (get_origin(struct) or struct).__struct_config__.omit_defaults
            return room > 0 and all(
                _is_narrow(field.type, room=room - 1, may_lack=omits and field.default is None) for field in fields
            )
        case _:
            return False


def _is_ascii_only(pattern: str) -> bool:
    """Whether a pattern plainly matches ASCII alone: anchored, and made of nothing but ASCII characters and classes."""
    anchored = pattern.startswith(r"\A") and pattern.endswith(r"\Z")
    return anchored and pattern.isascii() and not re.search(r"\\|\.|\||\[\^|\(\?", pattern[2:-2])
