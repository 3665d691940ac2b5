"""Limits by address and by party: the greedy wait, everybody else goes on, and audits are never kept waiting.

Covers THREATS H08, H17.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from api.rates import Rates, area_of
from ledger.core.checkpoint import open_checkpoint
from ledger.core.tiles import bundles_of
from ledger.errors import Refused, Unreadable
from tests.http.conftest import Served, found_with_keys, start
from tests.http.parties import ask, assertion, bearer, code_of

LIMITS = ("--limit", "reads=40/minute", "--limit", "writes=20/minute", "--limit", "token=10/minute")
GREEDY, OTHER, THIRD, PROXY = "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.9"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with small limits, behind one proxy that it believes."""
    directory = tmp_path_factory.mktemp("limited") / "log"
    world = found_with_keys(directory)
    process, url = start(directory, *LIMITS, "--trusted-proxy", PROXY)
    try:
        yield Served(url, directory, world, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def client_at(served: Served, address: str) -> httpx.Client:
    """A client whose connections come from an address of loopback."""
    transport = httpx.HTTPTransport(local_address=address, verify=False)
    return httpx.Client(base_url=served.url, transport=transport, timeout=30)


def test_a_thousand_requests_of_one_client_stop_nobody_else(limited: Served) -> None:
    """H17: while one address hammers, another reads, and the greedy one itself still audits."""

    def hammer(_: int) -> list[int]:
        with client_at(limited, GREEDY) as client:
            return [client.get("/v1/claims").status_code for _ in range(100)]

    def audit(client: httpx.Client) -> int:
        raw = client.get("/log/checkpoint").content
        checkpoint = open_checkpoint(raw, log=limited.world.log_vkey, origin=limited.world.origin)
        paths = [f"tile/entries/{index:03}.p/{width}" for index, width in bundles_of(checkpoint.size)]
        found = [client.get(f"/log/{path}") for path in paths]
        found += [client.get(f"/v1/entries/{index}") for index in range(checkpoint.size)]
        found += [client.get(f"/v1/entries/{index}/proof") for index in range(checkpoint.size)]
        found += [client.get(path) for path in ("/healthz", "/readyz", "/.well-known/jwks.json")]
        assert {answer.status_code for answer in found} == {200}
        return len(found)

    with ThreadPoolExecutor(10) as pool, client_at(limited, OTHER) as other, client_at(limited, GREEDY) as greedy:
        hammering = [pool.submit(hammer, at) for at in range(10)]
        reads = [other.get("/v1/claims").status_code for _ in range(30)]
        audited = sum(audit(one) for one in (other, greedy) for _ in range(2))
        found = [status for one in hammering for status in one.result()]
    assert reads == [200] * 30
    assert audited > 100
    assert found.count(200) <= 60  # a few may pass as the window slides on
    assert set(found) == {200, 429}


def test_a_refusal_says_when_to_come_again(limited: Served) -> None:
    with client_at(limited, THIRD) as client:
        answers = [client.get("/v1/claims") for _ in range(42)]
    assert code_of(answers[-1]) == (429, "rate_limited")
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].headers["Content-Type"] == "application/problem+json"
    assert len(answers[-1].headers["X-Request-Id"]) == 36


def test_guessing_tokens_is_slow(limited: Served) -> None:
    with client_at(limited, "127.0.0.4") as client:
        found = [code_of(ask(client, "x")) for _ in range(12)]
    assert found[:9] == [(401, "bad_assertion")] * 9
    assert found[-1] == (429, "rate_limited")


def test_a_party_has_one_budget_wherever_it_calls_from(limited: Served) -> None:
    """And another party at the same addresses has its own."""
    world = limited.world
    addresses = [f"127.0.1.{number}" for number in range(1, 5)]
    with client_at(limited, "127.0.0.5") as client:
        held = {
            name: ask(client, assertion(world, name, f"{name}:claimant")).json()["access_token"]
            for name in ("carrier", "plant")
        }

    def read(name: str, address: str) -> list[int]:
        with client_at(limited, address) as client:
            return [client.get("/v1/drafts", headers=bearer(held[name])).status_code for _ in range(15)]

    found = [status for address in addresses for status in read("carrier", address)]
    assert found.count(429) >= 10
    assert read("plant", addresses[0]).count(200) == 15


def test_a_key_that_signs_has_one_budget_and_nobody_spends_anothers(limited: Served) -> None:
    """Whoever writes the plant's name above a key of its own is told so, and then to wait; the plant is not."""
    world = limited.world
    forged = world.state("Claim", world.claim_subject("plant"), ("plant", "thief"))
    true = world.claim("plant")

    def send(statement: bytes, address: str, times: int) -> list[int]:
        headers = {"Content-Type": "application/vc+jwt"}
        with client_at(limited, address) as client:
            return [client.post("/v1/statements", content=statement, headers=headers).status_code for _ in range(times)]

    found = [status for number in range(1, 5) for status in send(forged, f"127.0.2.{number}", 10)]
    assert found[:19] == [403] * 19
    assert found.count(429) >= 10
    assert send(true, "127.0.2.1", 1) == [201]
    again = [status for number in range(5, 9) for status in send(true, f"127.0.2.{number}", 10)]
    assert again[:18] == [200] * 18
    assert again.count(429) >= 10


def test_the_header_of_a_proxy_is_believed_from_that_proxy_alone(limited: Served) -> None:
    """H08: who invents addresses is counted as one; who stands behind the proxy, as itself."""

    def read(client: httpx.Client, *named: str) -> int:
        return client.get("/v1/claims", headers=[("X-Forwarded-For", one) for one in named]).status_code

    with client_at(limited, "127.0.0.6") as liar:
        assert 429 in [read(liar, f"198.51.100.{number}") for number in range(60)]
    with client_at(limited, PROXY) as proxy:
        assert [read(proxy, f"203.0.113.{number}") for number in range(60)] == [200] * 60
        # The last hop alone is the proxy's own word; what stands before it the client may have written.
        assert 429 in [read(proxy, f"198.51.100.{number}, 192.0.2.31") for number in range(60)]
        assert 429 in [read(proxy, f"198.51.100.{number}", "192.0.2.32") for number in range(60)]
        assert read(proxy, "192.0.2.41") == 200


AREAS = {
    ("POST", "/v1/statements"): "writes", ("POST", "/v1/statements:batch"): "writes",
    ("PUT", "/v1/drafts/x"): "writes", ("DELETE", "/v1/drafts/x"): "writes", ("POST", "/log/checkpoint"): "writes",
    ("GET", "/v1/drafts/x"): "reads", ("GET", "/v1/claims"): "reads", ("GET", "/v1/claims/x/bundle"): "reads",
    ("GET", "/"): "reads", ("GET", "/healthz/x"): "reads", ("GET", "/v1/entries"): "reads",
    ("POST", "/v1/token"): "token", ("PUT", "/v1/evidence/x"): "evidence", ("GET", "/v1/evidence/x"): "evidence",
    ("GET", "/log/checkpoint"): None, ("GET", "/log/tile/0/000"): None, ("HEAD", "/log/checkpoint"): None,
    ("GET", "/v1/entries/1"): None, ("GET", "/v1/entries/1/proof"): None, ("GET", "/healthz"): None,
    ("GET", "/readyz"): None, ("GET", "/metrics"): None, ("GET", "/v1/certificates/x.pdf"): None,
}  # fmt: skip


@pytest.mark.parametrize(("method", "path"), AREAS)
def test_every_request_has_its_area(method: str, path: str) -> None:
    assert area_of(method, path) == AREAS[method, path]


def scope(peer: str, forwarded: str | None = None) -> dict[str, object]:
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    return {"type": "http", "client": (peer, 1), "headers": headers}


def test_an_address_is_a_network_where_one_client_has_many() -> None:
    rates = Rates(trusted_proxies=["198.51.100.0/24", "::1"])
    seen = {
        ("192.0.2.1", None): "192.0.2.1",
        ("::ffff:192.0.2.1", None): "192.0.2.1",
        ("2001:db8::1", None): "2001:db8::/64",
        ("2001:db8::ffff:1", None): "2001:db8::/64",
        ("198.51.100.3", "192.0.2.1"): "192.0.2.1",
        ("::1", "x, 2001:db8:0:1::7"): "2001:db8:0:1::/64",
        ("::ffff:198.51.100.3", "192.0.2.9"): "192.0.2.9",
        ("198.51.100.3", "nonsense"): "198.51.100.3",
        ("198.51.100.3", ""): "198.51.100.3",
        ("192.0.2.1", "198.51.100.9"): "192.0.2.1",
    }
    assert {asked: rates.address_of(scope(*asked)) for asked in seen} == seen
    assert rates.address_of({"type": "http", "client": None, "headers": []}) == "local"


def test_limits_are_read_strictly() -> None:
    for text in ("", "reads", "reads=", "reads=0/second", "reads=1/fortnight", "all=1/second", "reads=9999999/second"):
        with pytest.raises(Unreadable) as caught:
            Rates([text])
        assert caught.value.code == "bad_limit"
    with pytest.raises(Unreadable) as caught:
        Rates(trusted_proxies=["everybody"])
    assert caught.value.code == "bad_limit"


def test_what_is_off_is_not_counted() -> None:
    rates = Rates(["off", "token=1/minute"])
    for _ in range(1_000):
        rates.charge("reads", "one")
    rates.charge("token", "one")
    with pytest.raises(Refused):
        rates.charge("token", "one")
    rates.charge("token", "two")


def test_memory_stays_bounded_whoever_comes() -> None:
    rates = Rates(["reads=1/hour"])
    for number in range(80_000):
        try:
            rates.charge("reads", f"address {number}")
        except Refused:
            continue
    assert len(rates._limiter.storage.storage) <= 65_536  # type: ignore[attr-defined]


def test_a_wrong_limit_is_told_before_anything_is_opened(tmp_path: Path) -> None:
    import sys

    command = [sys.executable, "-m", "api.cli.main", "serve", "--data", str(tmp_path), "--limit", "reads=many"]
    (tmp_path / "keys").mkdir(mode=0o700)
    (tmp_path / "keys" / "passphrase.txt").write_text("x")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "bad_limit" in done.stderr
