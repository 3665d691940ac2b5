"""What the service says: lines of JSON that no request can break, and nothing secret in any of them.

Covers THREATS H07, H21, T26.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cast import key_of
from tests.http.conftest import Served, found_with_keys, start, stop
from tests.http.wires import ask

PASSPHRASE = "seven-words-that-nobody-would-ever-say"
WORD = "marker7f3a91"  # stands in every query, body and header, and may stand in no line
TIME = re.compile(r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
# Addresses are logged, so what is in a path is not secret.
PATHS = [
    "/%0d%0a{%22event%22:%22forged%22}",
    "/%1b[2J%1b[31mred",
    "/%c2%9b31m",
    "/%e2%80%ae",
    "/%00",
    "/%ff",
    "/%ed%a0%80",
]


class Session:
    """Everything that a server said and answered while every route was called."""

    def __init__(self, directory: Path) -> None:
        world = found_with_keys(directory, passphrase=PASSPHRASE)
        process, url = start(directory)
        self.served = Served(url, directory, world, process)
        self.statement = world.claim(counted_by=("meter:logs",))
        self.answers = list(self.call_everything())
        stop(process)
        self.served.listener.join(10)
        self.said = self.served.said.read_text(encoding="utf-8")
        self.lines: list[dict[str, Any]] = [json.loads(line) for line in self.said.splitlines()]

    def call_everything(self) -> Iterator[Any]:
        with self.served.client() as client:
            description = client.get("/openapi.json").json()
            headers = {
                "Authorization": f"Bearer {WORD}.{WORD}.{WORD}",
                "Cookie": WORD,
                "User-Agent": WORD,
                "X-Request-Id": WORD,
                "X-Forwarded-For": WORD,
            }
            for path, operations in description["paths"].items():
                filled = re.sub(r"{[^}]*}", "something", path)
                for method, operation in operations.items():
                    kinds = list(operation.get("requestBody", {}).get("content", {})) or ["application/json"]
                    for kind in kinds:
                        yield client.request(
                            method,
                            filled,
                            params={"q": WORD, WORD: "x"},
                            headers={**headers, "Content-Type": kind},
                            content=None if method == "get" else f'{{"{WORD}":"{WORD}"}}'.encode(),
                        )
            kind = {"Content-Type": "application/vc+jwt"}
            yield client.post("/v1/statements", content=self.statement, headers=kind)
            yield client.post("/v1/statements", content=self.statement[:-4], headers=kind)
            for path in PATHS:
                yield client.get(path)
        ask(self.served, WORD.encode() + b" / HTTP/1.1\r\n\r\n")
        ask(self.served, b"GET / HTTP/1.1\r\nHost: here\r\n" + WORD.encode() + b"\r\n\r\n")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session(tmp_path_factory.mktemp("logs") / "log")


def test_every_event_is_one_line_of_json_in_ascii(session: Session) -> None:
    assert session.said.isascii()
    assert session.said.isprintable() or set(session.said) - set(map(chr, range(32, 127))) == {"\n"}
    for line in session.lines:
        assert TIME.match(line["time"])
        assert line["level"] in {"info", "warning", "error"}
        assert re.fullmatch(r"[a-z_]+", line["event"])


def test_begin_and_end_are_told(session: Session) -> None:
    events = [line["event"] for line in session.lines]
    assert events[0] == "started"
    assert events[-2:] == ["stopping", "stopped"]
    assert session.lines[0]["url"] == session.served.url


def test_each_request_is_told_once_under_its_own_id(session: Session) -> None:
    told = {line["request"]: line for line in session.lines if line["event"] == "request"}
    assert len(told) == len([line for line in session.lines if line["event"] == "request"])
    for answer in session.answers:
        line = told[answer.headers["X-Request-Id"]]
        assert (line["status"], line["method"]) == (answer.status_code, answer.request.method)
        assert line["took_us"] > 0
        assert "client" not in line
        if answer.headers["Content-Type"] == "application/problem+json":
            assert line["code"] == answer.json()["code"]
        if answer.status_code in (200, 201):
            assert line["route"] != "none"


def test_no_path_forges_a_line_or_moves_the_cursor(session: Session) -> None:
    assert not [line for line in session.lines if line["event"] == "forged"]
    paths = {line["path"] for line in session.lines if line["event"] == "request"}
    assert any("\x1b[31m" in path for path in paths)  # kept, and escaped where it is written
    assert "\x1b" not in session.said


def test_nothing_secret_is_said(session: Session) -> None:
    secret = bytes(key_of("log"))
    forms = {
        "the log key": [secret.hex(), base64.b64encode(secret).decode(), base64.urlsafe_b64encode(secret).decode()],
        "a private key": ["PRIVATE KEY", "AGE-SECRET"],
        "the passphrase": [PASSPHRASE],
        "what was asked": [WORD],
        "a statement": [session.statement.decode()[:60], session.statement.decode()[-60:]],
        "the inside": ["Traceback", "SELECT ", "INSERT ", "sqlalchemy"],
    }
    answered = "\n".join(f"{answer.headers}{answer.text}" for answer in session.answers)
    for what, texts in forms.items():
        for text in texts:
            assert text.rstrip("=") not in session.said, what
            if what not in {"what was asked", "a statement"}:
                assert text.rstrip("=") not in answered, what
    assert str(session.served.directory) not in answered


def test_clients_are_named_where_the_operator_wants_it(tmp_path: Path) -> None:
    found_with_keys(tmp_path / "log")
    process, url = start(tmp_path / "log", "--log-clients")
    served = Served(url, tmp_path / "log", None, process)  # type: ignore[arg-type]
    with served.client() as client:
        client.get("/healthz")
    stop(process)
    served.listener.join(10)
    lines = [json.loads(line) for line in served.said.read_text().splitlines()]
    assert [line["client"] for line in lines if line["event"] == "request"] == ["127.0.0.1"]
