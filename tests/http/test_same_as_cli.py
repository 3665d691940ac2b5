"""The command and the HTTP call are one act: equal receipts to the byte, equal refusals, on the same running ledger.

Source: DESIGN 7 (CLI, HTTP and pages go through the same functions; byte-equal results).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.api.small import answer, run
from tests.http.conftest import Served
from tests.http.test_statements import TYPE


def by_http(served: Served, statement: bytes) -> httpx.Response:
    with served.client() as client:
        return client.post("/v1/statements", content=statement, headers=TYPE)


def by_command(served: Served, statement: bytes, folder: Path) -> tuple[int, Any]:
    """Exit code and JSON of `gigaton submit`, with the receipt kept at `folder/kept`."""
    (folder / "statement.jws").write_bytes(statement)
    options = ("--data", served.directory, "--receipt", folder / "kept")
    return answer("gigaton", "submit", folder / "statement.jws", *options)


def entry_at(served: Served, index: int) -> bytes:
    with served.client() as client:
        return client.get(f"/v1/entries/{index}").content


def test_a_receipt_by_http_is_the_commands_receipt(served: Served, tmp_path: Path) -> None:
    statement = served.world.claim(counted_by=("meter:http-first",))
    first = by_http(served, statement)
    code, second = by_command(served, statement, tmp_path)
    assert (first.status_code, code, first.json()["new"], second["new"]) == (201, 0, True, False)
    assert second["index"] == first.json()["index"]
    assert (tmp_path / "kept.tlog-proof").read_bytes() == first.json()["receipt"].encode()
    assert (tmp_path / "kept.json").read_bytes() == entry_at(served, second["index"])


def test_a_receipt_of_the_command_is_the_one_by_http(served: Served, tmp_path: Path) -> None:
    """Recorded by another process, beside the server that goes on serving."""
    statement = served.world.claim(counted_by=("meter:command-first",))
    code, first = by_command(served, statement, tmp_path)
    second = by_http(served, statement)
    assert (code, second.status_code, first["new"], second.json()["new"]) == (0, 200, True, False)
    assert second.json()["index"] == first["index"]
    assert second.json()["receipt"].encode() == (tmp_path / "kept.tlog-proof").read_bytes()
    assert entry_at(served, first["index"]) == (tmp_path / "kept.json").read_bytes()


def test_a_refusal_says_the_same_by_either_door(served: Served, tmp_path: Path) -> None:
    kept = served.world.claim(counted_by=("meter:either",))
    assert by_http(served, kept).status_code == 201
    for statement, status in ((served.world.claim(counted_by=("meter:either",)), 409), (b"a.b.c", 400)):
        refused = by_http(served, statement)
        code, said = by_command(served, statement, tmp_path)
        problem, error = refused.json(), said["error"]
        assert (refused.status_code, code) == (status, 1)
        assert (problem["code"], problem["detail"], problem["remedy"]) == (
            error.pop("code"),
            error.pop("message"),
            error.pop("remedy"),
        )
        assert problem["facts"] == error
        assert not (tmp_path / "kept.tlog-proof").exists()


def test_a_line_feed_is_no_part_of_a_statement(served: Served, tmp_path: Path) -> None:
    """The command takes the line feed off a file; a body is taken as it is, so nothing is signed but what was sent."""
    statement = served.world.claim(counted_by=("meter:line-feed",))
    assert by_http(served, statement + b"\n").json()["code"] == "bad_jws"
    (tmp_path / "line.jws").write_bytes(statement + b"\n")
    assert run("gigaton", "submit", tmp_path / "line.jws", "--data", served.directory).returncode == 0
    assert by_http(served, statement).status_code == 200
