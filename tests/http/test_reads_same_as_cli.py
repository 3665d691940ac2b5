"""`gigaton find` and `gigaton show` print what the server answers, to the last member, and refuse what it refuses.

Source: DESIGN 7 (CLI, HTTP and pages go through the same functions).
"""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import quote

import pytest

from api.cli.main import run
from ledger.domain import records
from tests.http.conftest import Varied

FOUND = (
    ("claims", {"status": "verified", "country": "DE", "limit": "3"}),
    ("attestations", {"revoked": "true"}),
    ("parties", {"role": "verifier"}),
    ("entries", {"kind": "Certificate", "limit": "2"}),
    ("queue", {"verifier": "https://ledger.example/parties/verifier", "limit": "2"}),
    ("targets", {}),
)
REFUSED = (
    ("claims", {"status": "good"}),
    ("claims", {"org_id": "1"}),
    ("queue", {}),
    ("parties", {"cursor": "x"}),
    ("entries", {"limit": "0"}),
)


def things(varied: Varied) -> list[tuple[str, ...]]:
    """One of each that is looked up by its id."""
    state = varied.kept.state
    return [
        ("programme",),
        ("claims", state.all(records.ClaimRecord)[0].id),
        ("attestations", state.all(records.AttestationRecord)[0].id),
        ("parties", state.all(records.PartyRecord)[0].id),
        ("accreditations", state.all(records.AccreditationRecord)[0].id),
        ("methodologies", "adopted"),
        ("methodologies", "adopted", "2"),
        ("factor-sets", "grid", "1"),
        ("targets", "gigatonnes"),
        ("certificates", "TEST-2"),
    ]


class Command:
    """`gigaton`, run in this process: thirty of its own would take half a minute to start."""

    def __init__(self, varied: Varied, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._directory, self._monkeypatch, self._capsys = varied.served.directory, monkeypatch, capsys

    def __call__(self, *words: str) -> tuple[int, Any]:
        """Exit code and JSON."""
        line = ["gigaton", *words, "--data", str(self._directory), "--json"]
        self._monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as ended:
            run()
        return int(ended.value.code or 0), json.loads(self._capsys.readouterr().out)


@pytest.fixture
def by_command(varied: Varied, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(varied, monkeypatch, capsys)


def by_http(varied: Varied, *parts: str, **where: str) -> tuple[int, Any]:
    with varied.client() as client:
        found = client.get("/v1/" + "/".join(quote(part, safe="") for part in parts), params=where)
    return found.status_code, found.json()


@pytest.mark.parametrize(("name", "where"), FOUND)
def test_a_list_is_the_same_by_either_door(
    varied: Varied, by_command: Command, name: str, where: dict[str, str]
) -> None:
    code, said = by_command("find", name, *(f"{key}={value}" for key, value in where.items()))
    assert (code, said) == (0, by_http(varied, name, **where)[1])
    assert said["items"]


def test_a_thing_is_the_same_by_either_door(varied: Varied, by_command: Command) -> None:
    for words in things(varied):
        assert by_command("show", *words) == (0, by_http(varied, *words)[1])


@pytest.mark.parametrize(("name", "where"), REFUSED)
def test_a_refusal_is_the_same_by_either_door(
    varied: Varied, by_command: Command, name: str, where: dict[str, str]
) -> None:
    code, said = by_command("find", name, *(f"{key}={value}" for key, value in where.items()))
    status, problem = by_http(varied, name, **where)
    error = said["error"]
    assert (code, status) == (1, 422)
    assert (problem["code"], problem["detail"], problem["remedy"]) == (error["code"], error["message"], error["remedy"])


def test_what_is_not_there_is_the_same_by_either_door(varied: Varied, by_command: Command) -> None:
    for words in (("claims", "TEST-1"), ("certificates", "TEST-9"), ("methodologies", "adopted", "9")):
        code, said = by_command("show", *words)
        status, problem = by_http(varied, *words)
        assert (code, status, said["error"]["code"], problem["code"]) == (1, 404, "unknown_id", "unknown_id")


def test_totals_and_goals_are_the_same_by_either_door(varied: Varied, by_command: Command) -> None:
    for name in ("totals", "goals"):
        assert by_command(name) == (0, by_http(varied, name)[1])
