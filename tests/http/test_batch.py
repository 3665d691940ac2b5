"""Many statements in one request: a result a line, in order, whatever the client sends and whenever it reads.

Covers THREATS H01, H04, H16, H19, R24.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from api.batch import REQUESTS_MAX
from api.ndjson import LINE_BYTES_MAX
from ledger.codes import REMEDIES
from ledger.core.checkpoint import open_checkpoint
from ledger.core.receipt import check_receipt, parse_receipt
from tests.api.small import answer as command
from tests.http.conftest import Served, found_with_keys, start
from tests.http.test_statements import require_problem, size
from tests.ledgers import reopen, require_whole
from tests.world import ORIGIN, World

TYPE = {"Content-Type": "application/x-ndjson"}
HEAD = (
    b"POST /v1/statements:batch HTTP/1.1\r\nHost: here\r\n"
    b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
)
MIB = 1024 * 1024


class Wire:
    """A request whose body is sent piece by piece, and whose answer is read when the test likes."""

    def __init__(self, served: Served, *, head: bytes = HEAD) -> None:
        host, _, port = served.url.removeprefix("http://").partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=60)
        self.socket.sendall(head + b"\r\n")
        self.answer: HTTPResponse | None = None

    def send(self, raw: bytes) -> None:
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(raw), raw))

    def end(self) -> None:
        self.socket.sendall(b"0\r\n\r\n")

    def begun(self) -> HTTPResponse:
        if self.answer is None:
            self.answer = HTTPResponse(self.socket)
            self.answer.begin()
        return self.answer

    def result(self) -> dict[str, Any]:
        """The next line of the answer."""
        found: dict[str, Any] = json.loads(self.begun().readline())
        return found

    def rest(self) -> list[dict[str, Any]]:
        """All lines that are left."""
        return [json.loads(line) for line in self.begun().read().splitlines()]


@contextmanager
def wire(served: Served, *, head: bytes = HEAD) -> Iterator[Wire]:
    one = Wire(served, head=head)
    with one.socket:
        yield one


def quoted(statements: Iterable[bytes]) -> bytes:
    """A line each."""
    return b"".join(b'"%s"\n' % one for one in statements)


def claims(world: World, name: str, count: int) -> list[bytes]:
    return [world.claim(counted_by=(f"meter:{name}-{number}",)) for number in range(count)]


def post(served: Served, body: bytes) -> list[dict[str, Any]]:
    """Send everything, then read."""
    with served.client() as client:
        found = client.post("/v1/statements:batch", content=body, headers=TYPE)
    assert (found.status_code, found.headers["Content-Type"]) == (200, TYPE["Content-Type"])
    return [json.loads(line) for line in found.text.splitlines()]


def mixed(world: World, name: str) -> tuple[list[bytes], list[str | int]]:
    """Lines of every kind; of each the code of its refusal, or which of the good ones it is."""
    one, two, last = claims(world, name, 3)
    flipped = two[:-2] + (b"A" if two[-2:-1] != b"A" else b"B") + two[-1:]
    late = world.claim(counted_by=(f"meter:{name}-late",), end="2099-01-01")
    lines: list[tuple[bytes, str | int]] = [
        (b'"%s"' % one, 0),
        (b"", "not_json"),
        (b'"%s"' % flipped, "bad_signature"),
        (b"\x00\xff{", "not_json"),
        (b'["%s"]' % two, "bad_schema"),
        (b'"a.b.c"', "bad_jws"),
        (b'"\xc3\xa4.b.c"', "bad_jws"),
        (b'"\\ud800"', "not_json"),
        (b'"' + b"x" * LINE_BYTES_MAX + b'"', "too_large"),
        (b'"' + b"x" * (LINE_BYTES_MAX - 2) + b'"', "too_large"),
        (b"[" * 10_000, "bad_schema"),
        (b' "%s"\t\r' % two, 1),
        (b'"%s"' % one, 0),
        (b'"%s"' % late, "period_not_ended"),
        (b'"%s"' % last, 2),
    ]
    return [line for line, _ in lines], [what for _, what in lines]


@pytest.mark.parametrize("ending", [b"\n", b""])
@pytest.mark.parametrize("piece_bytes", [7_001, 1_000_000])
def test_each_line_has_its_result_in_its_order(served: Served, ending: bytes, piece_bytes: int) -> None:
    lines, expected = mixed(served.world, f"mixed-{piece_bytes}-{len(ending)}")
    body, first = b"\n".join(lines) + ending, size(served)
    with wire(served) as one:
        for at in range(0, len(body), piece_bytes):
            one.send(body[at : at + piece_bytes])
        one.end()
        *results, last = one.rest()
    assert [found["line"] for found in results] == list(range(1, len(lines) + 1))
    assert [found.get("code", found.get("index", 0) - first) for found in results] == expected
    assert [found["new"] for found in results if found.get("index") == first] == [True, False]
    for found in results:
        if "code" in found:
            assert found["remedy"] == REMEDIES[found["code"]]
            assert set(found) == {"line", "code", "detail", "remedy", "facts"}
    checkpoint = open_checkpoint(last["checkpoint"].encode(), log=served.world.log_vkey, origin=ORIGIN)
    assert (last["recorded"], last["refused"], checkpoint.size) == (4, len(lines) - 4, first + 3)
    assert size(served) == first + 3


def test_the_proof_of_an_entry_is_the_receipt_of_its_line(served: Served) -> None:
    found, last = post(served, quoted(claims(served.world, "receipt", 1)))
    with served.client() as client:
        entry = client.get(f"/v1/entries/{found['index']}").content
        receipt = parse_receipt(client.get(f"/v1/entries/{found['index']}/proof").content)
        again = client.post(
            "/v1/statements", content=json.loads(entry)["statement"], headers={"Content-Type": "application/vc+jwt"}
        )
    check_receipt(receipt, entry=entry, log=served.world.log_vkey, origin=ORIGIN)
    assert receipt.checkpoint.decode() == last["checkpoint"]
    assert (again.status_code, again.json()["entry_hash"]) == (200, found["entry_hash"])


def test_a_client_may_wait_for_each_result_before_it_sends_more(served: Served) -> None:
    with wire(served) as one:
        for number, statement in enumerate(claims(served.world, "duplex", 3), start=1):
            one.send(quoted([statement]))
            assert one.result()["line"] == number
        one.end()
        assert [found["recorded"] for found in one.rest()] == [3]


def test_nothing_sent_is_nothing_recorded(served: Served) -> None:
    before = size(served)
    [last] = post(served, b"")
    assert (last["recorded"], last["refused"], size(served)) == (0, 0, before)


def test_whoever_waits_to_be_asked_on_is_asked_on(served: Served) -> None:
    with wire(served, head=HEAD + b"Expect: 100-continue\r\n") as one:
        assert one.socket.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        one.send(quoted(claims(served.world, "continue", 1)))
        one.end()
        assert [found.get("recorded", 0) for found in one.rest()] == [0, 1]


def memory_bytes(served: Served) -> int:
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def test_memory_does_not_grow_with_the_lines(served: Served) -> None:
    """Twenty thousand lines, all sent before any result is read."""
    good = claims(served.world, "many", 500)
    some = [*(b'"%s"' % one for one in good), *[b'"a.b.c"', b"", b"[]", b"x" * 3_000] * 125]
    lines = [some[number * 7 % len(some)] for number in range(20_000)]
    warm = post(served, b"\n".join(lines[:2_000]))
    before = memory_bytes(served)
    with wire(served) as one:
        for at in range(0, len(lines), 100):
            one.send(b"\n".join(lines[at : at + 100]) + b"\n")
        one.end()
        *results, last = one.rest()
    assert memory_bytes(served) - before < 48 * MIB
    assert [found["line"] for found in results] == list(range(1, len(lines) + 1))
    found = Counter(result.get("code", "recorded") for result in results)
    assert (found["recorded"], last["recorded"]) == (10_000, 10_000)
    assert (last["refused"], found["bad_schema"]) == (10_000, 2_500)
    assert warm[-1]["recorded"] == 1_000
    indexes = {result["index"] for result in results if "index" in result}
    assert (len(indexes), max(indexes) - min(indexes)) == (500, 499)


def test_what_was_cut_off_is_sent_again(served: Served) -> None:
    """A client dies in the middle of a line; what was recorded until then is recorded, once."""
    statements, before = claims(served.world, "cut", 40), size(served)
    body = quoted(statements)
    with wire(served) as one:
        one.send(body[: len(body) // 2])
        assert one.result()["new"] is True
    *results, last = post(served, body)
    assert [found["index"] for found in results] == list(range(before, before + 40))
    assert (results[0]["new"], results[-1]["new"], last["recorded"]) == (False, True, 40)
    assert size(served) == before + 40


def test_a_body_of_another_type_is_refused(served: Served) -> None:
    before = size(served)
    with served.client() as client:
        for headers, code in (
            ({"Content-Type": "application/vc+jwt"}, "wrong_content_type"),
            ({}, "wrong_content_type"),
            ({**TYPE, "Content-Encoding": "gzip"}, "encoded_body"),
        ):
            found = client.post("/v1/statements:batch", content=b'"a.b.c"', headers=headers)
            require_problem(found, status=415, code=code)
        require_problem(client.get("/v1/statements:batch"), status=405, code="wrong_method")
    assert size(served) == before


def test_so_many_requests_at_once_and_no_more(served: Served) -> None:
    statements = claims(served.world, "places", REQUESTS_MAX)
    open_now = [Wire(served) for _ in statements]
    for one, statement in zip(open_now, statements, strict=True):
        one.send(quoted([statement]))
        assert one.result()["new"] is True
    with served.client() as client:
        found = client.post("/v1/statements:batch", content=b"", headers=TYPE)
        require_problem(found, status=503, code="busy")
        assert int(found.headers["Retry-After"]) > 0
        assert client.get("/v1/claims?limit=1").status_code == 200
    for one in open_now:
        one.end()
        assert one.rest()[-1]["recorded"] == 1
        one.socket.close()
    assert post(served, b"")[-1]["recorded"] == 0


def test_a_writer_that_fails_ends_the_answer_and_says_where_to_begin_again(served: Served) -> None:
    statements, mark = claims(served.world, "fails", 3), served.directory / "signer.json"
    kept = mark.read_bytes()
    with wire(served) as one:
        one.send(quoted(statements[:1]))
        assert one.result()["new"] is True
        signed = mark.read_bytes()
        mark.write_bytes(b"?")
        one.send(quoted(statements[1:]))
        [last] = one.rest()  # although the request has not ended
    mark.write_bytes(signed)
    assert (last["code"], last["begin_again_at"], last["recorded"]) == ("signer_state_unreadable", 2, 1)
    assert last["remedy"] == REMEDIES[last["code"]]
    *results, last = post(served, quoted(statements[last["begin_again_at"] - 1 :]))
    assert ([found["new"] for found in results], last["recorded"]) == ([True, True], 2)
    assert kept != mark.read_bytes()


def test_results_are_those_of_the_command(tmp_path: Path) -> None:
    """`gigaton import` of the same lines into a copy of the same ledger."""
    world = found_with_keys(tmp_path / "served")
    shutil.copytree(tmp_path / "served", tmp_path / "copied")
    lines, statements = import_lines(world)
    (tmp_path / "lines").write_bytes(lines)
    code, by_command = command("gigaton", "import", tmp_path / "lines", "--data", tmp_path / "copied")
    process, url = start(tmp_path / "served")
    try:
        *by_http, last = post(Served(url, tmp_path / "served", world, process), quoted(statements))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    told = [
        {name: found[as_] for name, as_ in (("line", "line"), ("code", "code"), ("message", "detail")) if as_ in found}
        if "code" in found
        else {name: found[name] for name in ("line", "index", "new")}
        for found in by_http
    ]
    assert (told, code) == (by_command, 1)
    assert last["refused"] == sum("code" in found for found in by_command) > 0
    with reopen(tmp_path / "served") as one, reopen(tmp_path / "copied") as other:
        assert len(require_whole(one)) == len(require_whole(other))


def import_lines(world: World) -> tuple[bytes, Sequence[bytes]]:
    """Good and bad statements, more than one group of them, as lines of a file and one by one."""
    statements = claims(world, "import", 540)
    statements[3:3] = [b"a.b.c", statements[0], world.claim(counted_by=("meter:import-0",))]
    return b"\n".join(statements) + b"\n", statements


def test_zz_the_log_behind_it_is_whole(served: Served) -> None:
    with reopen(served.directory) as ledger:
        assert len(require_whole(ledger)) == size(served)
