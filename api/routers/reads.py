"""Reading the ledger over HTTP: lists with filters in pages, single things, totals and goals.

Every answer names the checkpoint at which it is true and carries a strong
ETag, made of that checkpoint and of what was asked: an unchanged log answers
304. A party's id is a URI: in the path it is percent-encoded as a whole.

Covers THREATS H06, H13, H20.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from ledger import __version__
from ledger.errors import Malformed, Refused
from ledger.service import find as acts
from ledger.service import report

router = APIRouter()

_LIMIT = {"type": "integer", "minimum": 1, "maximum": acts.LIMIT_MAX, "default": acts.LIMIT_DEFAULT}
_CURSOR = {"type": "string", "maxLength": acts.CURSOR_CHARACTERS_MAX, "description": "The `next` of the page before."}
_SUMMARIES = {
    "claims": "Claims; start and end give the days that their periods share",
    "findings": "Findings on claims; overdue as of the checkpoint that the answer names",
    "attestations": "Attestations",
    "parties": "Registered parties",
    "accreditations": "Accreditations of verifiers",
    "methodologies": "Methodologies, every version",
    "factor-sets": "Factor sets, every version",
    "targets": "Targets, every version",
    "certificates": "Records of certificates",
    "queue": "Claims that wait for a verifier, oldest first",
}


def _parameters(name: str) -> list[dict[str, Any]]:
    """The query of a list as OpenAPI describes it."""
    shapes = list(acts.PARAMETERS[name].values())
    schemas, _ = msgspec.json.schema_components(shapes)
    named = dict(zip(acts.PARAMETERS[name], map(_portable, schemas), strict=True))
    return [
        {"name": parameter, "in": "query", "required": (name, parameter) == (acts.QUEUE, "verifier"), "schema": schema}
        for parameter, schema in {**named, "limit": _LIMIT, "cursor": _CURSOR}.items()
    ]


def _portable(schema: dict[str, Any]) -> dict[str, Any]:
    """Anchors as ECMA-262 writes them, which JSON Schema asks for."""
    if "pattern" in schema:
        return {**schema, "pattern": schema["pattern"].replace(r"\A", "^").replace(r"\Z", "$")}
    return schema


def _lister(name: str) -> Callable[[Request], Response]:
    def listed(request: Request) -> Response:
        page = acts.find(request.app.state.service.ledger, name, request.query_params.multi_items())
        return _answer(request, page.as_of, page)

    listed.__name__ = f"list_{name.replace('-', '_')}"
    return listed


for _name in acts.PARAMETERS:
    router.add_api_route(
        f"/v1/{_name}",
        _lister(_name),
        summary=_SUMMARIES[_name],
        response_class=Response,
        openapi_extra={"parameters": _parameters(_name)},
    )


@router.get("/v1/claims/{identity}", summary="One claim", response_class=Response)
def claim(request: Request, identity: str) -> Response:
    """What it states, what counts of it now, and which entries made it so."""
    _require_no_query(request)
    found = acts.claim(request.app.state.service.ledger, identity)
    if found is None:
        raise Malformed("no_route", "the ledger has no claim with this id")
    return _answer(request, found.as_of, found)


@router.get("/v1/parties/{identity:path}", summary="One party", response_class=Response)
def party(request: Request, identity: str) -> Response:
    """Its roles, keys and accreditations. The id is percent-encoded as a whole: proxies may merge its slashes."""
    _require_no_query(request)
    found = acts.party(request.app.state.service.ledger, identity)
    if found is None:
        raise Malformed("no_route", "the ledger has no party with this id")
    return _answer(request, found.as_of, found)


@router.get("/v1/totals", summary="Everything that counts now", response_class=Response)
def totals(request: Request) -> Response:
    """In grams, by kind, lever, year, country, registry, assurance and party."""
    _require_no_query(request)
    found = report.totals(request.app.state.service.ledger)
    return _answer(request, found.as_of, found)


@router.get("/v1/goals", summary="How far every goal is", response_class=Response)
def goals(request: Request) -> Response:
    """Progress, pace and projection, at the moment of the last entry."""
    _require_no_query(request)
    found = report.goal_progress(request.app.state.service.ledger)
    return _answer(request, found.as_of, found)


def _require_no_query(request: Request) -> None:
    if request.url.query:
        raise Refused("unknown_parameter", "this takes no parameters")


def _answer(request: Request, as_of: report.AsOf, value: object) -> Response:
    tag = _tag(request, as_of)
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if _has(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(msgspec.json.encode(value, order="sorted"), headers=headers, media_type="application/json")


def _tag(request: Request, as_of: report.AsOf) -> str:
    asked = f"{request.url.path}?{request.url.query}"
    made_of = msgspec.json.encode([__version__, as_of.size, as_of.root, asked])
    return f'"{sha256(made_of).hexdigest()[:32]}"'


def _has(request: Request, tag: str) -> bool:
    """Whether the caller holds this very answer already (RFC 9110, 13.1.2: weak comparison)."""
    lines = request.headers.getlist("if-none-match")
    held = [one.strip().removeprefix("W/") for line in lines for one in line.split(",")]
    return tag in held or held == ["*"]
