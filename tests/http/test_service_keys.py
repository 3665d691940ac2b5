"""The service's own keys, made late; and that commands do what HTTP does with evidence and tokens.

Covers DESIGN 7 (one act, two surfaces); THREATS S14.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from keys.keyfile import KeyRing, StoredKey, read_ring, write_ring
from tests.cast import key_of
from tests.http.conftest import ROOT, Served, found_with_keys, start
from tests.http.parties import AUDIENCE, ask, assertion, bearer, code_of, token
from tests.world import HOST, World

RAW = b"meter readings"
DIGEST = sha256(RAW).hexdigest()


def gigaton(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "GIGATON_DATA": str(directory), "COLUMNS": "300"}
    command = [sys.executable, "-m", "api.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=settings)


@contextmanager
def serving(directory: Path, world: World) -> Iterator[Served]:
    process, url = start(directory)
    try:
        yield Served(url, directory, world, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def pem_of(name: str) -> str:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.from_private_bytes(bytes(key_of(name)))
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def older(tmp_path: Path) -> tuple[Path, World]:
    """A directory from before there were service keys."""
    directory = tmp_path / "log"
    world = found_with_keys(directory)
    path = directory / "keys" / "log.age"
    log = [one for one in read_ring(path, "open").keys if one.name == "log"]
    path.unlink()
    write_ring(path, KeyRing(tuple(log)), "open")
    return directory, world


def test_keys_are_made_late_and_everything_else_runs_without(older: tuple[Path, World]) -> None:
    directory, world = older
    with serving(directory, world) as served, served.client() as client:
        assert client.get("/readyz").status_code == 200
        assert code_of(ask(client, "x")) == (503, "no_service_keys")
        assert code_of(client.get("/.well-known/jwks.json")) == (503, "no_service_keys")
        assert code_of(client.get("/v1/drafts", headers=bearer("x"))) == (503, "no_service_keys")
        assert code_of(client.get("/v1/drafts")) == (401, "no_token")
    made = gigaton(directory, "keygen", "--service")
    assert made.returncode == 0, made.stderr
    assert "key_file_exists" in gigaton(directory, "keygen", "--service").stderr
    with serving(directory, world) as served, served.client() as client:
        published = client.get("/.well-known/jwks.json").json()
        assert client.get("/v1/drafts", headers=bearer(token(served, "carrier"))).status_code == 200
    assert all(key["x"] in made.stdout for key in published["keys"])


def test_evidence_by_command_is_evidence_over_http(served: Served, tmp_path: Path) -> None:
    world, claim = served.world, served.world.next_id()
    owner, path = world.party_id("carrier"), f"/v1/evidence/{DIGEST}?claim={claim}"
    (tmp_path / "meter.csv").write_bytes(RAW)
    arguments = ("evidence", "put", str(tmp_path / "meter.csv"), "--claim", claim, "--owner", owner, "--json")
    by_command = gigaton(served.directory, *arguments)
    assert by_command.returncode == 0, by_command.stderr
    with served.client() as client:
        headers = bearer(token(served, "carrier"))
        over_http = client.put(path, content=RAW, headers=headers)
        assert json.loads(by_command.stdout) == {**over_http.json(), "new": True}
        assert over_http.status_code == 200
        other = world.next_id()
        assert client.put(f"/v1/evidence/{DIGEST}?claim={other}", content=RAW, headers=headers).status_code == 201
    wanted = ("evidence", "get", DIGEST, "--claim", other, "--out")
    assert gigaton(served.directory, *wanted, str(tmp_path / "one")).returncode == 0
    assert (tmp_path / "one").read_bytes() == RAW
    assert gigaton(served.directory, *wanted, str(tmp_path / "one")).returncode == 2  # nothing is replaced
    nobody = gigaton(served.directory, *arguments[:-2], f"{owner}-x", "--json")
    assert (nobody.returncode, "unknown_party" in nobody.stdout) == (1, True)
    stranger = gigaton(served.directory, *wanted, str(tmp_path / "two"), "--party", world.party_id("plant"))
    assert "no_evidence" in stranger.stderr
    assert stranger.returncode == 1
    assert not (tmp_path / "two").exists()


def test_a_token_by_command(served: Served, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "passphrase").write_text("mine\n")
    owner = served.world.party_id("carrier")
    stored = StoredKey("carrier", owner, ("claim",), "ed25519", pem_of("carrier:claimant"))
    write_ring(folder / "carrier.age", KeyRing((stored,)), "mine")
    asked = ("token", "--server", served.url, "--key", str(folder / "carrier.age"))
    asked += ("--passphrase-file", str(folder / "passphrase"))
    given = gigaton(folder, *asked, "--audience", AUDIENCE, "--scope", "drafts")
    assert given.returncode == 0, given.stderr
    assert httpx.get(f"{served.url}/v1/drafts", headers=bearer(given.stdout.strip())).status_code == 200
    # Without its true audience an assertion is made out to the address that was asked, which is another.
    refused = gigaton(folder, *asked)
    assert (refused.returncode, "bad_assertion" in refused.stderr) == (1, True)


def test_an_assertion_of_our_own_is_what_the_service_takes(served: Served) -> None:
    from api.assertions import token_form

    stored = StoredKey("carrier", served.world.party_id("carrier"), ("claim",), "ed25519", pem_of("carrier:claimant"))
    with served.client() as client:
        assert client.post("/v1/token", data=token_form(stored, audience=AUDIENCE)).status_code == 200
        assert ask(client, assertion(served.world, "carrier", "carrier:claimant")).status_code == 200


def test_the_ten_lines_of_the_documentation_run(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are written, but for where this service is reached."""
    text = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")
    lines = text.partition("```python\n")[2].partition("```")[0]
    lines = lines.replace(
        'service = endpoint = "https://ledger.example"', f"service, endpoint = {HOST!r}, {served.url!r}"
    )
    (tmp_path / "keys").mkdir(mode=0o700)
    stored = StoredKey("acme", served.world.party_id("plant"), ("claim",), "ed25519", pem_of("plant:claimant"))
    write_ring(tmp_path / "keys" / "acme.age", KeyRing((stored,)), "passphrase")
    monkeypatch.chdir(tmp_path)
    found: dict[str, object] = {}
    exec(compile(lines, "docs/access.md", "exec"), found)
    assert found["drafts"] == {"items": []}
