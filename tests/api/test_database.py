"""The commands on PostgreSQL: founded there once, every other command finds it through DIR/database.url.

Covers THREATS X14 (a schema of another release), R28.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from api.wiring import database_of
from ledger.store.tables import SCHEMA_VERSION
from tests.api.small import answer, cut, run
from tests.store.servers import shared

INIT = (
    *("init", "--origin", "ledger.example/log", "--name", "Example", "--operator", "https://ledger.example"),
    *("--operator-name", "Example Ltd", "--base-url", "https://ledger.example"),
)
# Three issuances that are attested, one without a verifier.
LINES = (2, 3, 103, 107)


@pytest.fixture
def url() -> str:
    """An empty database."""
    return shared().url(shared().create())


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    path = tmp_path / "p.txt"
    path.write_text("several words\n")
    return path


def tables_at(url: str) -> int:
    """How many tables a database holds."""
    name = url.partition("@/")[2].partition("?")[0]
    with shared().connect(name) as there:
        row = there.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert row is not None
    return int(row[0])


def test_founded_on_postgresql_it_is_found_there(tmp_path: Path, url: str, passphrase: Path) -> None:
    data = tmp_path / "data"
    done = run("gigaton", *INIT, "--data", data, "--database", url, "--passphrase-file", passphrase)
    assert done.returncode == 0, done.stderr
    noted = data / "database.url"
    assert (noted.read_text(), noted.stat().st_mode & 0o777) == (f"{url}\n", 0o600)
    assert not (data / "ledger.db").exists()
    code, head = answer("gigaton", "show", "--data", data)
    assert (code, head["size"]) == (0, 1)
    # Another directory on the same database, and the same directory again: neither founds a second log.
    for directory in (tmp_path / "other", data):
        done = run("gigaton", *INIT, "--data", directory, "--database", url, "--passphrase-file", passphrase)
        assert (done.returncode, "database_exists" in done.stderr) == (4, True)
    assert not any((tmp_path / "other" / name).exists() for name in ("database.url", "keys"))
    assert answer("gigaton", "show", "--data", data) == (0, head)


def test_a_founding_that_fails_leaves_neither_tables_nor_address(tmp_path: Path, url: str, passphrase: Path) -> None:
    data = tmp_path / "data"
    asked = [*INIT, "--data", data, "--database", url, "--passphrase-file", passphrase]
    asked[asked.index("ledger.example/log")] = "not an origin"
    assert run("gigaton", *asked).returncode in (1, 2)
    assert tables_at(url) == 0
    assert not (data / "database.url").exists()
    assert not (data / "keys").exists()


def test_an_address_of_a_variable_wins(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir()
    assert database_of(data) is None
    (data / "database.url").write_text("postgresql+psycopg://of-the-file/x\n")
    assert database_of(data) == "postgresql+psycopg://of-the-file/x"
    monkeypatch.setenv("GIGATON_DATABASE", url)
    assert database_of(data) == url


def test_the_whole_demonstration_is_the_same_on_both(tmp_path: Path, url: str) -> None:
    """Founded, claimed, attested, certified, exported, audited, tampered with; then read by every command."""
    source = cut(tmp_path / "rows.csv", LINES)
    reports = {}
    for name, where in (("file", ()), ("server", ("--database", url))):
        code, reports[name] = answer("gigaton", "demo", "--data", tmp_path / name, "--input", source, *where)
        assert code == 0
    here, there = reports["file"], reports["server"]
    for member in ("outcomes", "computed", "audit", "tampered"):
        assert here[member] == there[member]
    assert here["totals"]["by"] == there["totals"]["by"]
    assert there["certificate"]["exit"] == 0
    data = tmp_path / "server"
    assert not (data / "ledger.db").exists()
    assert answer("gigaton", "fsck", "--data", data) == (0, {"findings": []})
    assert answer("gigaton", "totals", "--data", data)[1]["total_g"] == there["totals"]["total_g"]
    assert answer("gigaton", "goals", "--data", data)[0] == 0
    assert answer("gigaton", "show", "3", "--data", data)[1]["index"] == 3
    shutil.rmtree(data / "export")
    assert run("gigaton", "export", "--data", data).returncode == 0
    assert run("gigaton-verify", "audit", data / "export", "--trust", data / "trust.json").returncode == 0


def test_migrating_there_and_back(tmp_path: Path, url: str, passphrase: Path) -> None:
    data = tmp_path / "data"
    run("gigaton", *INIT, "--data", data, "--database", url, "--passphrase-file", passphrase)
    before = answer("gigaton", "show", "--data", data)
    assert answer("gigaton", "migrate", "--data", data) == (0, {"before": SCHEMA_VERSION, "after": SCHEMA_VERSION})
    assert answer("gigaton", "migrate", "--to", "1", "--data", data) == (0, {"before": SCHEMA_VERSION, "after": 1})
    code, refused = answer("gigaton", "totals", "--data", data)
    assert (code, refused["error"]["code"], refused["error"]["found"]) == (4, "schema_version", 1)
    assert "gigaton migrate" in refused["error"]["remedy"]
    assert answer("gigaton", "migrate", "--to", "9", "--data", data)[1]["error"]["code"] == "schema_version"
    assert answer("gigaton", "migrate", "--data", data) == (0, {"before": 1, "after": SCHEMA_VERSION})
    assert answer("gigaton", "show", "--data", data) == before
    assert answer("gigaton", "migrate", "--data", tmp_path / "nowhere")[1]["error"]["code"] == "no_database"
