"""The API in OpenAPI 3.1: schemas from the very structs that answers are made of, with their units.

A router says beside each route what it answers; `document` puts it together.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any

import msgspec
from fastapi import FastAPI

from api.answers import CHECKPOINT_HEADER
from ledger.codes import REMEDIES

_REF = "#/components/schemas/{name}"
_PROBLEM = "application/problem+json"
INDEX: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}

COMPONENTS: dict[str, Any] = {
    "Problem": {
        "type": "object",
        "description": "A refusal (RFC 9457). `code` is stable: branch on it, and show `remedy` to people.",
        "required": ["type", "title", "status", "code", "remedy"],
        "properties": {
            "type": {"type": "string", "const": "about:blank"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {"type": "string", "enum": sorted(REMEDIES)},
            "detail": {"type": "string", "description": "What is wrong, in words that may change."},
            "remedy": {"type": "string", "description": "What to do next."},
            "facts": {
                "type": "object",
                "description": "What the refusal is about, by name.",
                "additionalProperties": {"type": ["string", "integer"]},
            },
        },
    }
}
# Names and units of the fields of records, which are the same wherever they occur.
_UNITS = {
    "_g": "Whole grams of CO2e. Exact as an integer; a reader that keeps numbers as doubles is exact to 2^53 g, 9 Gt.",
    "_day": "Day number: days since 1970-01-01 (UTC).",
    "_ppm": "Parts per million.",
    "_index": "Index of an entry, from 0.",
    "_s": "Seconds.",
}
_NAMED = {
    "index": "Index of the entry, from 0: the short handle of what it made.",
    "size": "Number of entries.",
    "recorded_at": "The operator's clock (UTC), which never goes back.",
    "entry_hash": "Leaf hash of the entry, SHA-256(0x00 || bytes), in hex.",
    "root": "Root of the tree, in hex.",
}
_TEXT_RESULT: dict[str, Any] = {"type": "string"}
_TAG = {"description": "Strong; send it back as If-None-Match.", "schema": {"type": "string"}}
_CHECKPOINT = {
    "description": "The checkpoint at which this is true: origin, size and root in hex, with spaces between.",
    "schema": {"type": "string", "pattern": "^[^ ]+ [0-9]+ [0-9a-f]{64}$"},
}
_BRANCHES = {
    400: "It cannot be read, or could be read in two ways.",
    403: "This party or key may not say it.",
    409: "It was possible once and is no longer: duplicate, overlap, withdrawn, stale.",
    413: "`too_large`: nothing of it was kept.",
    415: "`wrong_content_type`, `encoded_body`.",
    422: "The rules forbid it, or a signature does not hold.",
}
_SAME = {"description": "What you hold is what there is.", "headers": {"ETag": _TAG}}


def dated(shape: Any, text: str) -> dict[int | str, Any]:
    """An answer of this type that names its checkpoint, and the 304 that it may be."""
    headers = {"ETag": _TAG, CHECKPOINT_HEADER: _CHECKPOINT}
    content = {"application/json": {"schema": schema_of(shape)}}
    return {200: {"description": text, "headers": headers, "content": content}, 304: _SAME}


def undated(schema: dict[str, Any], text: str) -> dict[int | str, Any]:
    """An answer that is about no state of the log."""
    return {200: {"description": text, "content": {"application/json": {"schema": schema}}}}


def raw(media_type: str, text: str) -> dict[int | str, Any]:
    """An answer of bytes as they are, and the 304 that it may be."""
    schema = _TEXT_RESULT if media_type.startswith("text/") else {}
    return {
        200: {"description": text, "headers": {"ETag": _TAG}, "content": {media_type: {"schema": schema}}},
        304: _SAME,
    }


def plain(media_type: str, text: str, *, status: int = 200) -> dict[int | str, Any]:
    """An answer of bytes that nobody keeps."""
    return {status: {"description": text, "content": {media_type: {"schema": _TEXT_RESULT}}}}


def nothing(text: str) -> dict[int | str, Any]:
    """An answer without a body."""
    return {204: {"description": text}}


def problems(codes: Mapping[int, tuple[str, ...]]) -> dict[int | str, Any]:
    """The refusals of a route: status -> the codes under it."""
    found: dict[int | str, Any] = {}
    for status, some in codes.items():
        shape = {"allOf": [{"$ref": _REF.format(name="Problem")}, {"properties": {"code": {"enum": list(some)}}}]}
        text = "; ".join(f"`{code}`: {REMEDIES[code]}" for code in some)
        found[status] = {"description": text, "content": {_PROBLEM: {"schema": shape}}}
    return found


def refusals(*statuses: int) -> dict[int | str, Any]:
    """Refusals whose codes are those of the rule book and of its formats, under these statuses."""
    content = {_PROBLEM: {"schema": {"$ref": _REF.format(name="Problem")}}}
    return {status: {"description": _BRANCHES[status], "content": content} for status in statuses}


def path(name: str, text: str, *, shape: Any = None) -> dict[str, Any]:
    """A parameter in the path."""
    schema = shape or {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": text, "schema": schema}


def schema_of(shape: Any) -> dict[str, Any]:
    """The JSON Schema of a type; what it refers to becomes part of the document."""
    (schema,), components = msgspec.json.schema_components([shape], ref_template=_REF)
    for name, one in components.items():
        COMPONENTS[name] = _with_units(portable(one))
    made: dict[str, Any] = portable(schema)
    return made


def portable(schema: Any) -> Any:
    """As other tools read it: patterns with the anchors of ECMA-262, words with their type, texts without indents."""
    if isinstance(schema, dict):
        made = {key: portable(value) for key, value in schema.items()}
        if isinstance(made.get("pattern"), str):
            made["pattern"] = made["pattern"].replace(r"\A", "^").replace(r"\Z", "$")
        if all(isinstance(one, str) for one in made.get("enum", (None,))):
            made["type"] = "string"
        if isinstance(made.get("description"), str):
            made["description"] = cleandoc(made["description"])
        return made
    return [portable(one) for one in schema] if isinstance(schema, list) else schema


def _with_units(schema: dict[str, Any]) -> dict[str, Any]:
    for name, one in schema.get("properties", {}).items():
        text = _NAMED.get(name) or next((text for end, text in _UNITS.items() if name.endswith(end)), None)
        if text is not None and "description" not in one and isinstance(one, dict):
            one["description"] = text
    return schema


def document(app: FastAPI) -> dict[str, Any]:
    """The whole description, before examples; made once."""
    if app.openapi_schema is not None:
        return app.openapi_schema
    made: dict[str, Any] = app.openapi()
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(sorted(COMPONENTS.items()))
    made["paths"] = dict(sorted(made["paths"].items()))
    for operations in made["paths"].values():
        for operation in operations.values():
            _finish(operation)
    return made


def _finish(operation: dict[str, Any]) -> None:
    """Leave out what the framework adds on its own, and add what holds for every route."""
    # What a router says of a parameter stands behind what the framework found out, and takes its place.
    known = {(one["in"], one["name"]): one for one in operation.get("parameters", ())}
    operation["parameters"] = list(known.values())
    answers = operation["responses"]
    if "security" in operation and "`no_token`" not in answers.get("401", {}).get("description", ""):
        operation["security"].append({})  # whoever has no token may ask as well
    if "HTTPValidationError" in str(answers.get("422")):
        del answers["422"]
    for status, codes in ((500, ("unforeseen",)), (503, ("busy", "not_ready", "writer_stopped"))):
        shape = {"$ref": _REF.format(name="Problem")}
        text = "; ".join(f"`{code}`: {REMEDIES[code]}" for code in codes)
        answers.setdefault(str(status), {"description": text, "content": {_PROBLEM: {"schema": shape}}})
