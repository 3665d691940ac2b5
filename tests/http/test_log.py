"""The live log over HTTP is the log that an export publishes, byte for byte, and answers for nothing else.

Covers THREATS H05; C2SP tlog-tiles (TLOG-SPEC 6).
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from keys.trust import Trust
from ledger.core.checkpoint import open_checkpoint
from ledger.core.tiles import Tile, decode_bundle
from ledger.service.submit import submit_all
from ledger.store.export import export_log
from tests.http.conftest import Served, found_with_keys, start
from tests.http.test_statements import post, require_problem
from tests.ledgers import reopen
from tests.world import ORIGIN
from verifier.bundle import Bundle
from verifier.replay import replay


@pytest.fixture(scope="module")
def grown(served: Served) -> Served:
    """The log grown past a full tile, by another process, while it is served."""
    with reopen(served.directory) as ledger:
        answers = submit_all(ledger, [served.world.claim(counted_by=(f"meter:{number}",)) for number in range(300)])
        assert all(answer.new for answer in answers)  # type: ignore[union-attr]
    return served


def test_every_published_file_is_served_as_it_is_exported(grown: Served, tmp_path: Path) -> None:
    with reopen(grown.directory) as ledger, ledger.reading() as connection:
        export_log(connection, tmp_path)
    paths = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(paths) == 6  # the checkpoint, two bundles, two tiles of level 0, one of level 1
    with grown.client() as client:
        for path in paths:
            answer = client.get(f"/log/{path.relative_to(tmp_path)}")
            assert (answer.status_code, answer.content) == (200, path.read_bytes())
            is_tile = path.name != "checkpoint"
            assert ("immutable" in answer.headers["Cache-Control"]) == is_tile
            kind = "application/octet-stream" if is_tile else "text/plain; charset=utf-8"
            assert answer.headers["Content-Type"] == kind


def test_partial_tiles_are_served_at_every_width_that_is_signed(grown: Served) -> None:
    with grown.client() as client:
        full = client.get("/log/tile/0/000").content
        for width in (1, 2, 100, 255):
            assert client.get(f"/log/{Tile(0, 0, width).path}").content == full[: 32 * width]
        entries = decode_bundle(client.get("/log/tile/entries/000").content, width=256)
        assert decode_bundle(client.get("/log/tile/entries/000.p/7").content, width=7) == entries[:7]


def test_a_log_fetched_over_http_passes_the_audit(grown: Served, tmp_path: Path) -> None:
    with grown.client() as client:
        raw = client.get("/log/checkpoint").content
        end = open_checkpoint(raw, log=grown.world.log_vkey, origin=ORIGIN).size
        last, width = divmod(end, 256)
        paths = ["checkpoint", "tile/1/000.p/1"]
        paths += [f"tile/{level}/000" for level in ("0", "entries")]
        paths += [f"tile/{level}/{last:03d}.p/{width}" for level in ("0", "entries")]
        for path in paths:
            target = tmp_path / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(client.get(f"/log/{path}").content)
    with reopen(grown.directory) as ledger:
        genesis = ledger.name.partition("#")[2]
        trust = Trust.build(programme=ledger.programme.subject, genesis=genesis, accreditors={})
    found = replay(Bundle(tmp_path), trust, jobs=1)
    assert (found.problem, found.entries) == (None, end)
    found.state.close()


BEYOND = ["tile/0/002", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/x001/000", "tile/1/000", "tile/63/000"]
STRANGE = ["tile/0/0", "tile/00/000", "tile/-1/000", "tile/64/000", "../ledger.db", "%2e%2e%2fledger.db", "tile/0/000/"]


@pytest.mark.parametrize("path", BEYOND + STRANGE)
def test_nothing_else_is_there(grown: Served, path: str) -> None:
    with grown.client() as client:
        answer = client.get(f"/log/{path}")
    assert answer.status_code == 404
    assert answer.json()["code"] in {"no_tile", "bad_tile_path", "no_route"}


@pytest.mark.parametrize("index", ["99999", "-1", "01", "x", str(2**63), str(2**90), "1e3"])
def test_an_entry_that_is_not_there_is_a_problem(grown: Served, index: str) -> None:
    with grown.client() as client:
        for path in (f"/v1/entries/{index}", f"/v1/entries/{index}/proof"):
            require_problem(client.get(path), status=404, code="no_entry")


def test_a_server_killed_and_started_again_has_all_it_acknowledged(tmp_path: Path) -> None:
    directory = tmp_path / "log"
    world = found_with_keys(directory)
    process, url = start(directory)
    served = Served(url, directory, world, process)
    statement = world.claim()
    first = post(served, statement).json()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    process, url = start(directory)
    try:
        again = post(Served(url, directory, world, process), statement)
        assert (again.status_code, again.json()["index"]) == (200, first["index"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
