"""Examples for the description of the API, taken from the ledger that is served: every one of them works there.

For a filter it is what the first record says that says something of it;
an example is left out where the ledger has nothing yet that could be one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ledger.core.entry import decode_entry
from ledger.core.tiles import TILE_WIDTH, Tile
from ledger.domain.period import format_day
from ledger.service import publish
from ledger.service.asking import PARAMETERS, QUEUE, is_spelled
from ledger.service.find import find
from ledger.service.ledger import Ledger
from ledger.service.submit import prove

_LIMIT = 10
_LOOKED_AT = 100
# Where a filter has another name than what it looks at, and what to try where records say nothing.
_LOOKS_AT = {"role": "roles", "family": "families", "sector": "sectors"}
_OTHERWISE = {
    "country": "CN",
    "registry": "none",
    "metric": "cumulative",
    "ecosystem_role": "supplier",
    "revoked": "false",
    "status": "in-force",
    "start": "2025-01-01",
    "end": "2026-01-01",
}


def add(document: dict[str, Any], ledger: Ledger) -> None:
    """Put examples into a description."""
    known = {name: dict(_of_list(ledger, name)) for name in PARAMETERS}
    paths = document["paths"]
    for name, values in known.items():
        _put(paths, f"/v1/{name}", values)
    for name in (
        "claims",
        "findings",
        "attestations",
        "parties",
        "accreditations",
        "methodologies",
        "factor-sets",
        "targets",
    ):
        first = _first(ledger, name)
        if first is not None:
            _put(paths, f"/v1/{name}/{{identity}}", {"identity": first.id})
            _put(paths, f"/v1/{name}/{{identity}}/{{version}}", {"identity": first.id, "version": 1})
            _put(paths, f"/v1/{name}/{{identity}}/bundle", {"identity": first.id})
    certificate = _first(ledger, "certificates")
    if certificate is not None:
        for ending in ("", ".json", ".pdf"):
            _put(paths, f"/v1/certificates/{{number}}{ending}", {"number": certificate.number})
    for ending in ("", "/proof"):
        _put(paths, f"/v1/entries/{{index}}{ending}", {"index": 0})
    width = min(TILE_WIDTH, publish.signed_size(ledger))
    _put(paths, "/log/{path}", {"path": Tile(0, 0, width).path})
    _put_body(paths, "/v1/statements", "application/vc+jwt", decode_entry(prove(ledger, [0])[0].entry).statement)


def _of_list(ledger: Ledger, name: str) -> Iterator[tuple[str, str | int]]:
    """An example of each parameter of a list."""
    yield "limit", _LIMIT
    if name == QUEUE:
        grant = _first(ledger, "accreditations")
        yield "verifier", grant.verifier if grant is not None else "https://verifier.example"
        return
    records = find(ledger, name, [("limit", str(_LOOKED_AT))]).items
    for parameter, spelling in PARAMETERS[name].items():
        said = (_value(record, parameter) for record in records)
        text = next((one for one in said if one is not None), _OTHERWISE.get(parameter))
        if text is not None and is_spelled(text, spelling):
            yield parameter, text
    following = find(ledger, name, [("limit", "1")]).next
    if following is not None:
        yield "cursor", following


def _value(record: Any, parameter: str) -> str | None:
    """What a record says of the thing that a filter looks at."""
    if parameter in ("start", "end"):
        return format_day(getattr(record, f"{parameter}_day"))
    found = getattr(record, _LOOKS_AT.get(parameter, parameter), None)
    if found is None:
        found = getattr(getattr(record, "subject", None), parameter, None)
    if found is None and parameter == "verifier":
        found = next((one.verifier for one in record.attestations), None)
    if isinstance(found, tuple):
        found = next(iter(found), None)
    return found if isinstance(found, str) else None


def _first(ledger: Ledger, name: str) -> Any:
    return next(iter(find(ledger, name, [("limit", "1")]).items), None)


def _put(paths: dict[str, Any], path: str, values: dict[str, Any]) -> None:
    for parameter in paths.get(path, {}).get("get", {}).get("parameters", ()):
        if parameter["name"] in values:
            parameter["example"] = values[parameter["name"]]


def _put_body(paths: dict[str, Any], path: str, media_type: str, body: bytes) -> None:
    content = paths[path]["post"]["requestBody"]["content"][media_type]
    content["example"] = body.decode("ascii")
