"""Reading the ledger over HTTP: lists with filters in pages, single things, totals and goals.

Every answer names the checkpoint at which it is true. A party's id is a URI:
in the path it is percent-encoded as a whole.

Covers THREATS H06, H10, H13, H20.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_type_hints

from fastapi import APIRouter, Request, Response

from api import answers, describe
from ledger.service import answers as said
from ledger.service import find as lists
from ledger.service import look, report
from ledger.service.asking import CURSOR_CHARACTERS_MAX, LIMIT_DEFAULT, LIMIT_MAX, PARAMETERS, QUEUE
from ledger.store.pages import LISTS

router = APIRouter()

_LIMIT = {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT}
_CURSOR = {"type": "string", "minLength": 1, "maxLength": CURSOR_CHARACTERS_MAX}
_ASKED = ("bad_cursor", "bad_parameter", "missing_parameter", "repeated_parameter", "unknown_parameter")
_NO_QUERY = {422: ("unknown_parameter",)}
_MISSING = {404: ("unknown_id",), **_NO_QUERY}
_IDS = {
    "claims": "The id of the claim's statement (`urn:uuid:...`).",
    "findings": "The id of the statement that raised it (`urn:uuid:...`).",
    "attestations": "The id of the attestation's statement (`urn:uuid:...`).",
    "parties": "The party's id: a URI, percent-encoded as a whole.",
    "accreditations": "The id of the grant's statement (`urn:uuid:...`).",
}
# What a filter means where its name does not tell.
_SAID = {
    "verifier": "A party's id: who attested, or whose grants or queue these are.",
    "start": "Periods that reach beyond this day.",
    "end": "Periods that begin before this day.",
    "scope": "The place in the operator's value chain; `3+` is written `3%2B`.",
    "registry": "The registry's name as the claim writes it, or `none`.",
    "revoked": "Whether it was revoked since.",
}
_ITEMS: dict[str, Any] = {QUEUE: said.Waiting, "entries": said.EntryLine, "findings": said.ShownFinding}


def _parameters(name: str) -> list[dict[str, Any]]:
    """The query of a list as OpenAPI describes it."""
    known = {one: (describe.schema_of(shape), _SAID.get(one, "")) for one, shape in PARAMETERS[name].items()}
    known["limit"] = (_LIMIT, "How many at most.")
    known["cursor"] = (_CURSOR, "The `next` of the page before, for the same list and filters.")
    required = {(QUEUE, "verifier")}
    return [
        {"name": one, "in": "query", "required": (name, one) in required, "schema": schema}
        | ({"description": text} if text else {})
        for one, (schema, text) in known.items()
    ]


def _lister(name: str) -> Callable[[Request], Response]:
    def listed(request: Request) -> Response:
        page = lists.find(request.app.state.service.ledger, name, request.query_params.multi_items())
        return answers.dated(request, page.as_of, page)

    listed.__name__ = f"list_{name.replace('-', '_')}"
    listed.__doc__ = "Oldest first, a page at a time; what came after the first page is not in the later ones."
    return listed


def _looker(name: str, find: Callable[..., Any]) -> Callable[[Request, str], Response]:
    def looked(request: Request, identity: str) -> Response:
        answers.require_no_query(request)
        found = find(request.app.state.service.ledger, identity)
        return answers.dated(request, found.as_of, found)

    looked.__name__ = f"get_{name.replace('-', '_')}"
    looked.__doc__ = get_type_hints(find)["return"].__doc__
    return looked


for _name in PARAMETERS:
    _title = LISTS[_name].title if _name in LISTS else "Claims that wait for a verifier, oldest first"
    _item = _ITEMS.get(_name) or LISTS[_name].shape
    router.add_api_route(
        f"/v1/{_name}",
        _lister(_name),
        summary=_title,
        response_class=Response,
        responses=describe.dated(said.Page[_item], "One page.") | describe.problems({422: _ASKED}),  # type: ignore[valid-type]
        openapi_extra={"parameters": _parameters(_name)},
    )

for _name, _find in look.THINGS.items():
    router.add_api_route(
        f"/v1/{_name}/{{identity:path}}" if _name == "parties" else f"/v1/{_name}/{{identity}}",
        _looker(_name, _find),
        summary=f"One of the {_name}",
        response_class=Response,
        responses=describe.dated(get_type_hints(_find)["return"], "It.") | describe.problems(_MISSING),
        openapi_extra={"parameters": [describe.path("identity", _IDS[_name])]},
    )


def _versions(name: str) -> Callable[[Request, str], Response]:
    def every(request: Request, identity: str) -> Response:
        answers.require_no_query(request)
        found = look.versions(request.app.state.service.ledger, name, identity)
        return answers.dated(request, found.as_of, found)

    every.__name__ = f"get_{name.replace('-', '_')}"
    every.__doc__ = said.FoundVersions.__doc__
    return every


def _document(name: str) -> Callable[[Request, str, str], Response]:
    def one(request: Request, identity: str, version: str) -> Response:
        answers.require_no_query(request)
        found = look.document(request.app.state.service.ledger, name, identity, version)
        return answers.dated(request, found.as_of, found)

    one.__name__ = f"get_version_of_{name.replace('-', '_')}"
    one.__doc__ = said.FoundDocument.__doc__
    return one


for _name, _shape in look.DOCUMENTS.items():
    _id = describe.path("identity", "The document's id, such as `grid-electricity`.")
    _version = describe.path("version", "Its version, from 1.", shape={"type": "integer", "minimum": 1})
    router.add_api_route(
        f"/v1/{_name}/{{identity}}",
        _versions(_name),
        summary=f"All versions of one of the {_name}",
        response_class=Response,
        responses=describe.dated(said.FoundVersions[_shape], "They.") | describe.problems(_MISSING),  # type: ignore[valid-type]
        openapi_extra={"parameters": [_id]},
    )
    router.add_api_route(
        f"/v1/{_name}/{{identity}}/{{version}}",
        _document(_name),
        summary=f"One version of one of the {_name}",
        response_class=Response,
        responses=describe.dated(said.FoundDocument[_shape], "It.") | describe.problems(_MISSING),  # type: ignore[valid-type]
        openapi_extra={"parameters": [_id, _version]},
    )


@router.get(
    "/v1/programme",
    summary="The programme in force",
    response_class=Response,
    responses=describe.dated(said.FoundProgramme, "It.") | describe.problems(_NO_QUERY),
)
def programme(request: Request) -> Response:
    """Its terms as they were signed, and the entries that set them."""
    answers.require_no_query(request)
    found = look.programme(request.app.state.service.ledger)
    return answers.dated(request, found.as_of, found)


@router.get(
    "/v1/totals",
    summary="Everything that counts now",
    response_class=Response,
    responses=describe.dated(report.Totals, "In grams.") | describe.problems(_NO_QUERY),
)
def totals(request: Request) -> Response:
    """In grams, by kind, lever, year, country, registry, assurance and party."""
    answers.require_no_query(request)
    found = report.totals(request.app.state.service.ledger)
    return answers.dated(request, found.as_of, found)


@router.get(
    "/v1/goals",
    summary="How far every goal is",
    response_class=Response,
    responses=describe.dated(report.Goals, "They.") | describe.problems(_NO_QUERY),
)
def goals(request: Request) -> Response:
    """Progress, pace and projection, at the moment of the last entry."""
    answers.require_no_query(request)
    found = report.goal_progress(request.app.state.service.ledger)
    return answers.dated(request, found.as_of, found)
