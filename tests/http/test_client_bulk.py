"""Many statements through the client: each result proven, in order, and no lie about any line believed.

Covers THREATS R11, H16, H19.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import bulk
from api.bulk import BATCH_PATH, Imported
from api.client import Client
from ledger.core.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from ledger.errors import LedgerError, Unavailable
from tests.cast import sign_with
from tests.http.commands import invoke
from tests.http.conftest import Served
from tests.http.homes import make_home, trust_of
from tests.http.liar import Liar, Said, listening, truth
from tests.http.test_statements import size
from tests.world import ORIGIN

COUNT = 8
WAITS: list[float] = []  # how long the client waited each time, which here takes no time
PROBLEM = {"content-type": "application/problem+json"}


@pytest.fixture(scope="module")
def liar(served: Served) -> Iterator[Liar]:
    made = Liar(served.url)
    with listening(made) as url:
        made.url = url  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def client(served: Served, liar: Liar) -> Iterator[Client]:
    liar.lie = truth
    with Client(liar.url, trust=trust_of(served.world)) as made:  # type: ignore[attr-defined]
        made.head()
        made.transport._wait = WAITS.append
        yield made
    liar.lie = truth
    liar.deaf.clear()
    WAITS.clear()


def claims(served: Served, name: str, count: int = COUNT) -> list[bytes]:
    return [served.world.claim(counted_by=(f"meter:{name}-{number}",)) for number in range(count)]


def to_lines(change: Any) -> Any:
    """A lie about the lines of a batch's answer."""

    def lie(said: Said) -> Said:
        if said.path != BATCH_PATH:
            return said
        lines = [json.loads(line) for line in said.body.splitlines()]
        changed = change(lines) or lines
        return said._replace(body=b"".join(json.dumps(line).encode() + b"\n" for line in changed))

    return lie


def test_a_thousand_and_more_are_recorded_in_batches_and_in_order(
    served: Served, liar: Liar, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Past a border of tiles, with what was there before and what is refused among them; taken as they come."""
    monkeypatch.setattr(bulk, "BATCH_STATEMENTS_MAX", 100)
    statements, before = claims(served, "many", 310), size(served)
    statements[7] = statements[3]
    statements[150] = served.world.claim(counted_by=("meter:many-0",))
    statements[151] = b"x" * 60_000
    taken: list[int] = []

    def given() -> Iterator[bytes]:
        for number, statement in enumerate(statements):
            taken.append(number)
            yield statement

    results = []
    for result in client.submit_all(given()):
        results.append(result)
        assert len(taken) <= len(results) + 201  # a batch in hand, and one statement of the next
    indexes = [one.index for one in results if isinstance(one, Imported) and one.new]
    assert indexes == list(range(before, before + 307))
    assert results[7] == Imported(before + 3, False)
    assert [one.code for one in results if isinstance(one, LedgerError)] == ["overlap", "too_large"]
    assert size(served) == before + 307
    assert liar.asked.count(("POST", BATCH_PATH)) == 4
    assert liar.asked.count(("POST", "/v1/statements")) == 0


def swap(lines: list[dict[str, Any]]) -> None:
    """Two lines say each other's place."""
    for name in ("index", "entry_hash"):
        lines[0][name], lines[1][name] = lines[1][name], lines[0][name]


def resigned(lines: list[dict[str, Any]], **members: Any) -> None:
    """A checkpoint that the log's own key signs and that is not the log's."""
    from tests.world import World

    vkey = World().log_vkey
    real = open_checkpoint(lines[-1]["checkpoint"].encode(), log=vkey, origin=ORIGIN)
    said = {"origin": ORIGIN, "size": real.size, "root": real.root, **members}
    lines[-1]["checkpoint"] = sign_checkpoint(Checkpoint(**said), vkey=vkey, sign=sign_with("log")).decode()


LIES: dict[str, tuple[Any, str]] = {
    "an index too high": (lambda lines: lines[-2].update(index=lines[-2]["index"] + 1), "receipt_differs"),
    "an index too low": (lambda lines: lines[2].update(index=lines[1]["index"]), "receipt_differs"),
    "an old index": (lambda lines: lines[2].update(index=2, new=False), "receipt_differs"),
    "an old index as new": (lambda lines: lines[2].update(index=2), "receipt_differs"),
    "another hash": (lambda lines: lines[3].update(entry_hash="0" * 64), "receipt_differs"),
    "no hash": (lambda lines: lines[3].pop("entry_hash") and None, "receipt_differs"),
    "places swapped": (swap, "other_statement"),
    "a line left out": (lambda lines: lines[1:], "bad_answer"),
    "a line twice": (lambda lines: [lines[0], *lines], "bad_answer"),
    "lines in another order": (lambda lines: [lines[1], lines[0], *lines[2:]], "bad_answer"),
    "no last line": (lambda lines: lines[:-1], "bad_answer"),
    "nothing": (lambda lines: [{}], "bad_answer"),
    "an older checkpoint": (lambda lines: lines[-1].update(checkpoint=OLDER[0]), "rolled_back"),
    "another root": (lambda lines: resigned(lines, root=bytes(32)), "tile_differs"),
    "another origin": (lambda lines: resigned(lines, origin="other/log"), "other_origin"),
    "no checkpoint": (lambda lines: lines[-1].update(checkpoint="recorded"), "bad_note"),
}
OLDER: list[str] = []


@pytest.mark.parametrize("name", LIES)
def test_a_lie_about_a_line_is_refused_under_its_code(
    served: Served, liar: Liar, client: Client, tmp_path: Path, name: str
) -> None:
    """And the command says of no line that it is recorded."""
    if not OLDER:
        OLDER.append(liar.client.get(f"{served.url}/log/checkpoint").text)
        list(client.submit_all(claims(served, "older", 1)))
    change, code = LIES[name]
    liar.lie = to_lines(change)
    statements = claims(served, name.replace(" ", "-"))
    with pytest.raises(LedgerError) as caught:
        list(client.submit_all(statements))
    assert caught.value.code == code
    if name == "places swapped":
        (tmp_path / "lines.txt").write_bytes(b"\n".join(statements))
        home = make_home(tmp_path / "home", served.world)
        done = invoke("import", tmp_path / "lines.txt", "--data", home, "--server", liar.url)  # type: ignore[attr-defined]
        assert (done.exit_code, done.out, done.code) == (1, "", code)
    liar.lie = truth
    again = list(client.submit_all(statements))
    assert [one.new for one in again if isinstance(one, Imported)] == [False] * COUNT


def test_an_answer_that_was_cut_off_is_asked_for_again(served: Served, liar: Liar, client: Client) -> None:
    """Hung up on, told to come later, told in the last line that no more was recorded, and not told the last line."""
    stopped = {"recorded": 1, "refused": 0, "code": "writer_stopped", "detail": "x", "begin_again_at": 2}
    answers: list[Any] = [
        lambda said: None,
        lambda said: said._replace(status=503, headers=PROBLEM, body=b'{"code":"busy"}'),
        to_lines(lambda lines: [lines[0], stopped]),
        to_lines(lambda lines: lines[:3]),
    ]
    liar.lie = lambda said: answers.pop(0)(said) if said.path == BATCH_PATH and answers else said
    before = size(served)
    results = list(client.submit_all(claims(served, "cut-off")))
    assert [one.index for one in results if isinstance(one, Imported)] == list(range(before, before + COUNT))
    assert size(served) == before + COUNT
    assert len(WAITS) == 4
    answers += [to_lines(lambda lines: [lines[0], stopped])] * 100
    with pytest.raises(Unavailable) as caught:
        list(client.submit_all(claims(served, "stopped")))
    assert caught.value.code == "writer_stopped"


def test_a_line_that_was_told_later_is_sent_again_alone(served: Served, liar: Liar, client: Client) -> None:
    liar.lie = to_lines(lambda lines: [{"line": 1, "code": "busy", "detail": "x"}, *lines[1:]])
    statements = claims(served, "later")
    results = list(client.submit_all(statements))
    assert all(isinstance(one, Imported) for one in results)


def test_a_server_without_batches_is_sent_one_after_the_other(served: Served, liar: Liar, client: Client) -> None:
    """In their order, and each with a receipt that holds."""
    liar.deaf.add(BATCH_PATH)
    statements, before = claims(served, "single"), size(served)
    statements[4] = statements[0]
    results = list(client.submit_all(iter(statements)))
    assert [one.new for one in results if isinstance(one, Imported)] == [True] * 4 + [False] + [True] * 3
    assert size(served) == before + COUNT - 1
    liar.lie = lambda said: said.changed(size=10**9) if said.path == "/v1/statements" else said
    with pytest.raises(LedgerError) as caught:
        list(client.submit_all(claims(served, "lied")))
    assert caught.value.code == "receipt_differs"
