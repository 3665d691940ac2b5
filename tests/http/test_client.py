"""The client's patience and its limits: what it tries again, how long, and what it never does.

Covers THREATS H16, H17, H19.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import transport
from api.client import Client
from api.proving import PinsFile
from api.transport import Transport, decode, error_of, printable
from ledger.core.tiles import Tile
from ledger.errors import (
    BadSignature,
    Conflict,
    LedgerError,
    Malformed,
    NotAllowed,
    Refused,
    Unavailable,
    Unreadable,
)
from tests.http.conftest import Served
from tests.http.homes import trust_of
from tests.http.liar import Liar, Said, listening, truth
from tests.http.test_statements import size

PROBLEM = {"content-type": "application/problem+json"}


@pytest.fixture
def liar(served: Served) -> Iterator[Liar]:
    """A liar before the real server."""
    made = Liar(served.url)
    with listening(made) as url:
        made.url = url  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client waited each time, which here takes no time."""
    waited: list[float] = []
    monkeypatch.setattr(Transport.__init__, "__kwdefaults__", {"wait": waited.append})
    return waited


def client_of(served: Served, liar: Liar) -> Client:
    return Client(liar.url, trust=trust_of(served.world))  # type: ignore[attr-defined]


def test_an_answer_that_was_lost_is_asked_for_again_and_the_entry_stays_one(
    served: Served, liar: Liar, waits: list[float]
) -> None:
    """The connection ends after the server recorded it, twice (H19)."""
    statement, lost = served.world.claim(counted_by=("meter:lost",)), [1, 2]

    def lose(said: Said) -> Said | None:
        return None if said.method == "POST" and lost and lost.pop() else said

    with client_of(served, liar) as client:
        client.head()
        before = size(served)
        liar.lie = lose
        assert client.submit(statement).index == before
    assert size(served) == before + 1
    assert liar.asked.count(("POST", "/v1/statements")) == 3
    assert len(waits) == 2


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_later_is_waited_for_as_long_as_is_asked_and_no_longer(
    served: Served, liar: Liar, waits: list[float], status: int
) -> None:
    answers = ["3", "99999999", "soon", ""]

    def later(said: Said) -> Said:
        if not answers:
            return said
        asked = answers.pop(0)
        return said._replace(status=status, headers={"retry-after": asked} if asked else {}, body=b"later")

    with client_of(served, liar) as client:
        client.head()
        liar.lie = later
        assert client.totals().as_of.size == size(served)
    assert 3 <= waits[0] <= 3 + transport.WAIT_FIRST_S
    assert transport.RETRY_AFTER_S_MAX <= waits[1] <= transport.RETRY_AFTER_S_MAX + transport.WAIT_S_MAX
    assert all(0 < wait <= transport.WAIT_S_MAX for wait in waits[2:])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 422, 500])
def test_a_refusal_is_not_argued_with(served: Served, liar: Liar, waits: list[float], status: int) -> None:
    body = json.dumps({"code": "of_tomorrow", "detail": "No.", "remedy": "Ask nicely.", "facts": {"a": 1}}).encode()
    with client_of(served, liar) as client:
        liar.lie = lambda said: said._replace(status=status, headers=PROBLEM, body=body)
        with pytest.raises(LedgerError) as caught:
            client.goals()
    assert (caught.value.code, caught.value.facts["a"], waits) == ("of_tomorrow", 1, [])
    assert caught.value.message == "No. Ask nicely."
    assert caught.value.remedy  # also of a code that this release does not know
    assert len(liar.asked) == 1


def test_a_server_that_stays_away_is_unreachable(served: Served, waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}", trust=None) as client, pytest.raises(Unavailable) as caught:
        client.totals()
    assert caught.value.code == "server_unreachable"
    assert len(waits) == transport.ATTEMPTS_MAX - 1
    assert waits == sorted(waits)


def test_what_the_server_says_to_the_end_is_what_is_raised(served: Served, liar: Liar, waits: list[float]) -> None:
    liar.lie = lambda said: said._replace(status=503, headers=PROBLEM, body=b'{"code":"writer_stopped","detail":"x"}')
    with client_of(served, liar) as client, pytest.raises(Unavailable) as caught:
        client.totals()
    assert (caught.value.code, len(liar.asked)) == ("writer_stopped", transport.ATTEMPTS_MAX)


def test_an_answer_without_end_is_left(served: Served, waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """A body larger than any answer, and one that never ends."""
    monkeypatch.setattr(transport, "ANSWER_S_MAX", 0.2)

    def drip(stop: threading.Event, listening: socket.socket) -> None:
        wire, _ = listening.accept()
        with wire:
            wire.recv(65_536)
            wire.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n")
            while not stop.wait(0.02):
                try:
                    wire.sendall(b"x")
                except OSError:
                    return

    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(stop, listening))
        thread.start()
        made = Transport(f"http://127.0.0.1:{listening.getsockname()[1]}")
        try:
            with pytest.raises(Unavailable) as caught:
                made.call("GET", "/v1/totals")
        finally:
            stop.set()
            made.close()
            thread.join()
    assert (caught.value.code, waits) == ("server_unreachable", [])


def test_no_answer_is_kept_beyond_its_limit(served: Served, liar: Liar) -> None:
    liar.lie = lambda said: said._replace(body=b" " * 100_000) if "/log/" in said.path else said
    with client_of(served, liar) as client, pytest.raises(LedgerError) as caught:
        client.prover._tile(Tile(0, 0, 1))
    assert caught.value.code == "bad_answer"


@pytest.mark.parametrize(
    "url", ["", "ledger.example", "ftp://x", "file:///etc", "http://", "http://u:p@x", "http://x/?a", "http://x:99999"]
)
def test_an_address_is_that_of_a_server(url: str) -> None:
    with pytest.raises(Unreadable) as caught:
        Client(url, trust=None)
    assert caught.value.code == "bad_server_url"


BRANCHES = {
    400: Malformed,
    403: NotAllowed,
    404: Malformed,
    409: Conflict,
    422: Refused,
    500: Unavailable,
    503: Unavailable,
}


@pytest.mark.parametrize("status", BRANCHES)
def test_each_problem_is_an_error_of_its_branch(status: int) -> None:
    body = b'{"code":"overlap","detail":"d","facts":{"n":1,"s":"t","list":[1],"code":"x"}}'
    error = error_of(status, body, server="here")
    assert type(error) is BRANCHES[status]
    assert (error.code, error.message, error.facts) == ("overlap", "d", {"n": 1, "s": "t"})


def test_a_signature_that_the_server_refuses_is_an_unproven_one() -> None:
    assert isinstance(error_of(422, b'{"code":"bad_signature"}', server="here"), BadSignature)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"code":1}', b'{"code":"No Code"}', b"[" * 10_000, b"\xff"])
def test_a_problem_that_is_none_is_a_bad_answer(body: bytes) -> None:
    assert error_of(418, body, server="here").code == "bad_answer"
    assert error_of(503, body, server="here").code == "server_unreachable"


def test_nothing_of_a_stranger_steers_the_terminal() -> None:
    assert printable("a\x1b[2Kb\u202ec\nd") == "a\\x1b[2Kb\\u202ec\\nd"
    assert len(printable("x" * 10_000)) == transport.TEXT_CHARACTERS_MAX
    for text in ("\x1b[2K", "\u202e", "a\nb", "\x00"):
        for body in (json.dumps([text]), json.dumps({"a": {text: 1}})):
            with pytest.raises(Unavailable) as caught:
                decode(body.encode(), dict if body[0] == "{" else list)
            assert caught.value.code == "bad_answer"


def test_pages_that_do_not_go_forward_are_left(served: Served, liar: Liar) -> None:
    page = json.loads(liar.client.get(f"{served.url}/v1/parties?limit=2").content)
    with client_of(served, liar) as client:
        liar.lie = lambda said: said._replace(body=json.dumps(page).encode())
        with pytest.raises(Unavailable) as caught:
            list(client.find("parties"))
        assert caught.value.code == "bad_answer"
        liar.lie = lambda said: said._replace(body=json.dumps({**page, "items": []}).encode())
        with pytest.raises(Unavailable):
            list(client.find("parties"))
        liar.lie = truth
        assert len(list(client.find("parties"))) == len(list(client.find("parties", role="claimant"))) + 5


def test_one_party_by_any_id_and_nobody_by_another(served: Served) -> None:
    with Client(served.url, trust=trust_of(served.world)) as client:
        assert client.party(served.world.party_id("carrier")).party.legal_name == "Carrier Ltd"
        claim = client.submit(served.world.claim(counted_by=("meter:found",)))
        identity = client.statement(claim.index).id
        assert client.claim(identity).claim.index == claim.index
        for ask in (client.party, client.claim):
            for strange in ("", "../totals", "https://nobody.example/?a=b#c", "x" * 300):
                with pytest.raises(Refused) as caught:
                    ask(strange)
                assert caught.value.code in {"no_route", "unknown_id", "unknown_parameter"}


def test_threads_share_a_client(served: Served, tmp_path: Path) -> None:
    """Answers that overtake each other are no rollback: each is judged by what was known when it was asked for."""
    trust = trust_of(served.world)
    statements = [served.world.claim(counted_by=(f"meter:thread-{number}",)) for number in range(24)]
    before, indexes = size(served), []
    with Client(served.url, trust=trust, memory=PinsFile(tmp_path / "pins.json", trust)) as client:

        def submit(part: list[bytes]) -> None:
            indexes.extend(client.submit(statement).index for statement in part)

        threads = [threading.Thread(target=submit, args=(statements[at::6],)) for at in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.prover.seen is not None
        assert client.prover.seen.size == size(served) == before + 24
    assert sorted(indexes) == list(range(before, before + 24))
    with Client(served.url, trust=trust, memory=PinsFile(tmp_path / "pins.json", trust)) as again:
        assert again.prover.seen is not None
        assert again.prover.seen.size == before + 24
