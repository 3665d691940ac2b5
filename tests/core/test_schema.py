"""Typed decoding: the same bytes as the generic reader takes, and no member unknown, missing or of another type.

Covers THREATS C01, C02, C03, C04, C07, C12, C13, C15, C18, C20, C21, H07, T26.
"""

from __future__ import annotations

import sys
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from ledger.core.canonical import BYTES_MAX, INTEGER_MAX, decode, decode_as, encode, peek
from ledger.errors import Malformed
from tests.core.refusals import code_of

Name = Annotated[str, Meta(pattern=r"\A[a-z_]{1,8}\Z")]
Number = Annotated[int, Meta(ge=-5, le=INTEGER_MAX)]


class Part(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    note: str | None = None


class Whole(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything that statements are made of."""

    kind: Literal["whole"]
    number: Number
    truth: bool
    parts: tuple[Part, ...]
    pair: tuple[str, Number]
    table: dict[Name, Part]
    either: Literal["none"] | Part
    maybe: Number | None = None


class Unbounded(Struct, frozen=True, forbid_unknown_fields=True):
    """Each of these shapes leaves one thing more to look at than types."""

    value: int


class AnyName(Struct, frozen=True, forbid_unknown_fields=True):
    value: dict[str, Number]


class AnyNamePattern(Struct, frozen=True, forbid_unknown_fields=True):
    value: dict[Annotated[str, Meta(pattern=r"\A[^a]{1,8}\Z")], Number]


class Anything(Struct, frozen=True, forbid_unknown_fields=True):
    value: Any


class Measure(Struct, frozen=True, forbid_unknown_fields=True):
    value: float | int


class WrittenNull(Struct, frozen=True, forbid_unknown_fields=True):
    value: str | None = None


class Tree(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    branches: tuple[Tree, ...] = ()


class Chain(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    next: Chain | None = None


class Kind(Struct):
    kind: str


text = st.text(st.characters(min_codepoint=32, max_codepoint=0x2000, categories=["L", "N", "P"]), max_size=9).filter(
    lambda given: not code_of(lambda: decode(encode(given)))
)
parts = st.builds(Part, text, st.none() | text)
wholes = st.builds(
    Whole,
    kind=st.just("whole"),
    number=st.integers(-5, INTEGER_MAX),
    truth=st.booleans(),
    parts=st.lists(parts, max_size=3).map(tuple),
    pair=st.tuples(text, st.integers(-5, 5)),
    table=st.dictionaries(st.text("abc_", min_size=1, max_size=8), parts, max_size=3),
    either=st.just("none") | parts,
    maybe=st.none() | st.integers(0, 5),
)
GOOD = Whole("whole", 7, True, (Part("a", "b"),), ("x", 1), {"a": Part("é"), "b": Part('"\\')}, "none")
RAW = encode(GOOD)


@given(wholes)
def test_values_are_read_back(value: Whole) -> None:
    raw = encode(value)
    assert decode_as(raw, Whole) == value
    assert encode(decode(raw)) == raw


def replaced(old: bytes, new: bytes, *, raw: bytes = RAW) -> bytes:
    assert raw.count(old) == 1
    return raw.replace(old, new)


SCHEMA = {
    "unknown member": (replaced(b'"truth":', b'"trust":1,"truth":'), "$"),
    "missing member": (
        replaced(b'"truth":true,', b"") if b'"truth":true,' in RAW else replaced(b',"truth":true', b""),
        "$",
    ),
    "true as a number": (replaced(b'"number":7', b'"number":true'), "$.number"),
    "text as a number": (replaced(b'"number":7', b'"number":"7"'), "$.number"),
    "a float": (replaced(b'"number":7', b'"number":7.5'), "$.number"),
    "below the bound": (replaced(b'"number":7', b'"number":-6'), "$.number"),
    "above the bound": (replaced(b'"number":7', b'"number":9007199254740992'), "$.number"),
    "a huge number": (replaced(b'"number":7', b'"number":' + b"9" * 5000), "$.number"),
    "a number as truth": (replaced(b'"truth":true', b'"truth":1'), "$.truth"),
    "null": (replaced(b'"truth":true', b'"truth":null'), "$.truth"),
    "another literal": (replaced(b'"kind":"whole"', b'"kind":"half"'), "$.kind"),
    "a pair of three": (replaced(b'"pair":["x",1]', b'"pair":["x",1,1]'), "$.pair"),
    "in a list": (replaced(b'"parts":[{"name":"a"', b'"parts":[{"name":1'), "$.parts[0].name"),
    "in a table": (replaced(b'"b":{"name":', b'"b":{"nome":'), "$.table[...]"),
    "a name in a table": (replaced(b'"b":{"name":', b'"B":{"name":'), "key in $.table"),
    "not an object": (b"[]", "$"),
}


@pytest.mark.parametrize("name", SCHEMA)
def test_a_schema_is_strict_and_says_where(name: str) -> None:
    """C12, C21."""
    raw, path = SCHEMA[name]
    with pytest.raises(Malformed) as caught:
        decode_as(raw, Whole)
    assert (caught.value.code, caught.value.facts) == ("bad_schema", {"path": path})


OTHER_SPELLINGS = {
    "duplicate": replaced(b'"truth":true', b'"truth":false,"truth":true'),
    "duplicate after unescaping": replaced(b'"truth":true', b'"\\u0074ruth":true,"truth":true'),
    "order": replaced(b'"kind":"whole",', b"").replace(b'"number":7', b'"number":7,"kind":"whole"'),
    "white space": replaced(b'"truth":true', b'"truth": true'),
    "an optional member written": replaced(b'"kind":"whole",', b'"kind":"whole","maybe":null,'),
    "a needless escape": replaced(b'"whole"', b'"\\u0077hole"'),
    "minus zero": replaced(b'"number":7', b'"number":-0'),
    "a whole float": replaced(b'"number":7', b'"number":7.0'),
    "an exponent": replaced(b'"number":7', b'"number":7e0'),
}


@pytest.mark.parametrize("name", OTHER_SPELLINGS)
def test_another_spelling_of_a_good_value(name: str) -> None:
    """C01, C02, C07, C20: what the schema alone would take."""
    assert code_of(lambda: decode_as(OTHER_SPELLINGS[name], Whole)) in ("not_canonical", "bad_schema")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"é"', '"e\u0301"', "bad_text"),
        ('"é"', '"\u202e"', "bad_text"),
        ('"é"', '"\x7f"', "bad_text"),
        ('"é"', '"\\n"', "bad_text"),
        ('"é"', '"\\\\n\\\\\\"中"', ""),
        ('"é"', '"\\u0000"', "bad_text"),
        ('"é"', '"\\ud800"', "not_json"),
        ('"é"', '"\ud800"', "not_utf8"),
        ('"b":{', '"é":{', "bad_schema"),
    ],
    ids=ascii,
)
def test_text_inside(old: str, new: str, code: str) -> None:
    """C03, C04, C15, C18: in values that the types let through."""
    raw = replaced(old.encode(), new.encode("utf-8", "surrogatepass"))
    assert code_of(lambda: decode_as(raw, Whole)) == code


@pytest.mark.parametrize(
    ("shape", "value", "code"),
    [
        (Unbounded, INTEGER_MAX, ""),
        (Unbounded, INTEGER_MAX + 1, "bad_value"),
        (Unbounded, -INTEGER_MAX - 1, "bad_value"),
        (AnyName, {"a": 1}, ""),
        (AnyName, {"\u00e9": 1}, "bad_value"),
        (AnyNamePattern, {"b": 1}, ""),
        (AnyNamePattern, {"\u00e9": 1}, "bad_value"),
        (Anything, [[1]], ""),
        (Anything, 0.5, "bad_value"),
        (Anything, None, "bad_value"),
        (Anything, "e\u0301", "bad_text"),
        (Anything, [[None]], "bad_value"),
        (Measure, 1, ""),
        (Measure, 0.5, "bad_value"),
        (WrittenNull, "a", ""),
        (WrittenNull, None, "bad_value"),
    ],
    ids=ascii,
)
def test_a_loose_shape_lets_nothing_in(shape: type, value: Any, code: str) -> None:
    """Types without bounds do not widen the format: such a shape is looked through value by value."""
    assert code_of(lambda: decode_as(encode({"value": value}), shape)) == code


LEVELS = {1: "", 31: "", 33: "too_deep", 801: "too_deep", 5001: "too_deep"}


@pytest.mark.parametrize(("levels", "code"), LEVELS.items())
def test_a_shape_that_holds_itself(levels: int, code: str) -> None:
    """C13: objects in lists in objects, and objects in objects."""
    raw = b'{"branches":[' * (levels // 2) + b"{}" + b"]}" * (levels // 2)
    assert code_of(lambda: decode_as(raw, Tree)) == code
    chain = b'{"next":' * (levels - 1) + b"{}" + b"}" * (levels - 1)
    assert code_of(lambda: decode_as(chain, Chain)) == code


def test_messages_about_strange_members_are_short_and_printable() -> None:
    """T26, H07: an unknown member is named by the sender; its name must not write on the reader's terminal."""
    raw = encode({"\u202e\x1b[2J" + "x" * 10_000: 1})
    with pytest.raises(Malformed) as caught:
        decode_as(raw, Part)
    assert caught.value.message.isascii()
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500


def test_peeking_looks_at_one_member_alone() -> None:
    """What is skipped is judged when the whole is read, by its own schema."""
    assert peek(b'{"other":[null,0.5,"\xff"],"kind":"x"}', Kind).kind == "x"
    assert peek(RAW, Kind).kind == "whole"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{}", "bad_schema"),
        (b'{"kind":1}', "bad_schema"),
        (b"[]", "bad_schema"),
        (b"", "not_json"),
        (b'{"kind":"x"', "not_json"),
        (b'{"kind":"\xff"}', "not_utf8"),
        (b'{"kind":"x","other":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "too_deep"),
        (b'{"kind":"' + b"x" * BYTES_MAX + b'"}', "too_large"),
    ],
)
def test_what_cannot_be_peeked_at(raw: bytes, code: str) -> None:
    assert code_of(lambda: peek(raw, Kind)) == code


def test_depth_does_not_depend_on_who_calls() -> None:
    """A decoder deep in a stack refuses what one at its top refuses: 33 levels are far below either end."""

    def deeper(levels: int) -> str:
        return code_of(lambda: decode(b"[" * 33 + b"]" * 33)) if levels == 0 else deeper(levels - 1)

    assert deeper(0) == deeper(sys.getrecursionlimit() // 2) == "too_deep"
