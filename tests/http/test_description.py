"""/openapi.json describes every route with what it takes and answers, and its examples work on the ledger it is of.

Covers THREATS H21 (the description is public and says nothing that the code does not).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute

from api import routers
from ledger.codes import REMEDIES
from tests.http.conftest import Varied

VERBS = ("get", "post", "put", "delete", "patch")


class Example(NamedTuple):
    """A request that the description gives as an example."""

    verb: str
    path: str
    query: dict[str, str]
    body: str | None = None
    content_type: str | None = None


# What a party alone may ask for, with its token (test_tenants, test_evidence, test_webhooks), and what its own key
# signs for the occasion (test_token_form, test_batch): no example could work for a stranger.
PRIVATE = {
    *((f"/v1/{name}", verb) for name in ("drafts", "webhooks") for verb in ("get", "post")),
    *((f"/v1/{name}/{{identity}}", verb) for name in ("drafts", "webhooks") for verb in ("get", "put", "delete")),
    *(("/v1/evidence/{digest}", verb) for verb in ("get", "put")),
    ("/v1/webhooks/{identity}/dead", "get"),
    ("/v1/webhooks/{identity}/dead:retry", "post"),
}
SIGNED = {("/v1/token", "post"), ("/v1/statements:batch", "post")}
# The varied log holds no findings.
NONE_THERE = {("/v1/findings/{identity}", "get")}


@pytest.fixture(scope="module")
def document(varied: Varied) -> dict[str, Any]:
    with varied.client() as client:
        found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, verb, operation) of everything described."""
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            assert verb in VERBS
            yield path, verb, operation


def examples(document: dict[str, Any]) -> Iterator[Example]:
    """Each operation with what it requires alone, then with each optional parameter, and with each body."""
    for path, verb, operation in operations(document):
        parameters = operation.get("parameters", [])
        if (path, verb) in PRIVATE | SIGNED | NONE_THERE:
            continue
        filled, needed = path, {}
        for one in parameters:
            if one["in"] == "path":
                filled = filled.replace(f"{{{one['name']}}}", quote(str(one["example"]), safe=""))
            elif one["required"]:
                needed[one["name"]] = str(one["example"])
        bodies = operation.get("requestBody", {}).get("content", {None: {}})
        for content_type, body in bodies.items():
            yield Example(verb, filled, needed, body.get("example"), content_type)
        for one in parameters:
            if one["in"] == "query" and not one["required"] and "example" in one:
                yield Example(verb, filled, {**needed, one["name"]: str(one["example"])})


def test_every_example_works(varied: Varied, document: dict[str, Any]) -> None:
    tried = list(examples(document))
    failed = []
    with varied.client() as client:
        for one in tried:
            headers = {"Content-Type": one.content_type} if one.content_type else {}
            content = one.body.encode() if one.body else None
            answer = client.request(one.verb, one.path, params=one.query, content=content, headers=headers)
            if answer.status_code != 200:
                failed.append((one, answer.status_code, answer.text))
    assert failed == []
    assert len(tried) > 80


def test_head_works_at_every_address(varied: Varied, document: dict[str, Any]) -> None:
    addresses = {(one.path, *one.query.items()): one for one in examples(document) if one.verb == "get"}
    assert len(addresses) > 80
    with varied.client() as client:
        for one in addresses.values():
            get, head = client.get(one.path, params=one.query), client.head(one.path, params=one.query)
            assert (head.status_code, head.content) == (get.status_code, b""), one
            assert head.headers.get("ETag") == get.headers.get("ETag")


def test_every_example_of_a_filter_finds_something(varied: Varied, document: dict[str, Any]) -> None:
    """But those for which the log has nothing to show."""
    empty = []
    with varied.client() as client:
        for one in examples(document):
            if one.query and not {"cursor", "limit"} & one.query.keys():
                items = client.get(one.path, params=one.query).json()["items"]
                empty += [] if items else [(one.path, one.query)]
    assert empty == []


def test_every_route_is_described_with_its_answers(document: dict[str, Any]) -> None:
    described = {(path, verb) for path, verb, _ in operations(document)}
    there = set()
    for module in pkgutil.iter_modules(routers.__path__, "api.routers."):
        for route in importlib.import_module(module.name).router.routes:
            assert isinstance(route, APIRoute)
            there |= {(route.path_format, verb.lower()) for verb in route.methods}
    assert there == described
    for path, verb, operation in operations(document):
        assert operation["summary"]
        assert operation["description"]
        for status, answer in operation["responses"].items():
            assert answer["description"], (path, verb, status)
            if status in ("204", "304"):
                continue
            (shape,) = answer["content"].items()
            if int(status) >= 400:
                assert shape[0] == "application/problem+json"
            else:
                assert "schema" in shape[1]
        assert {"500", "503"} <= set(operation["responses"])
        for one in operation.get("parameters", []):
            assert one["schema"]


def test_operations_have_names_of_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def test_every_reference_leads_somewhere_and_nothing_is_left_over(document: dict[str, Any]) -> None:
    named = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) == named


def test_amounts_and_days_say_their_units(document: dict[str, Any]) -> None:
    silent = []
    for name, schema in document["components"]["schemas"].items():
        for field, one in schema.get("properties", {}).items():
            if field.endswith(("_g", "_day", "_ppm", "_s")) and "description" not in one:
                silent.append((name, field))
    assert silent == []


def test_every_code_of_a_problem_is_in_the_table(document: dict[str, Any]) -> None:
    assert document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"] == sorted(REMEDIES)
