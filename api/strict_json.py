"""Bodies of JSON read strictly: each member once, whole numbers alone, and the members of a shape alone.

Source: THREATS C01, C05, C13, C16, C19, H11.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn, TypeVar

import msgspec

from ledger.core.strict import require_plain_text
from ledger.errors import Malformed

S = TypeVar("S")

JSON_BYTES_MAX = 65_536


def read_json(raw: bytes, shape: type[S]) -> S:
    """The value that a body spells.

    Raises: Malformed `bad_body`.
    """
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_float=_refuse, parse_constant=_refuse)
        _require_plain(value)
        return msgspec.convert(value, shape)
    except (ValueError, RecursionError, msgspec.ValidationError, Malformed) as error:
        raise Malformed("bad_body", f"this is not what belongs here: {str(error)[:200]!a}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands there twice")
    return members


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is no whole number")


def _require_plain(value: Any) -> None:
    """Texts that read as they are (NFC, no control characters), wherever they stand."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            require_plain_text(one)
        elif isinstance(one, dict):
            waiting += [*one, *one.values()]
        elif isinstance(one, list):
            waiting += one
