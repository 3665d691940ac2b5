"""Which addresses the service may call: one spelling, below what was allowed, and nothing private behind a name.

Covers THREATS H14, T21, S11.
"""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from ledger.errors import NotAllowed, Unreadable
from ledger.service.addresses import ALLOWED_MAX, read_allowed, require_allowed, require_reachable

ALLOWED = read_allowed(
    [
        "https://hooks.example/in",
        "https://hooks.example:8443/",
        "http://plain.example/a/",
        "http://127.0.0.1:9000/",
        "http://[::1]:9000/",
        "private:https://inside.example/",
    ]
)
GOOD = [
    "https://hooks.example/in",
    "https://hooks.example/in/a/b?token=x",
    "https://hooks.example:443/in",
    "https://hooks.example:8443/anything",
    "https://hooks.example:8443",
    "http://plain.example/a/",
    "http://plain.example/a/b%20c",
    "http://127.0.0.1:9000/x",
    "http://[::1]:9000/x",
]
BAD = [
    "https://hooks.example/",
    "https://hooks.example/inside",
    "https://hooks.example/IN",
    "https://hooks.example/in/../x",
    "https://hooks.example/in/./x",
    "https://hooks.example/in/%2e%2e/x",
    "https://hooks.example/in/%2E./x",
    "https://hooks.example/in/..%2fx",
    "https://hooks.example/in//x",
    "https://hooks.example/in\\..\\x",
    "https://hooks.example/in%5c..%5cx",
    "https://hooks.example/in%00",
    "https://hooks.example/in%zz",
    "https://hooks.example/in#x",
    "https://hooks.example/in x",
    "https://hooks.example/in\n",
    "https://hooks.example/in\r\nHost: x",
    "https://hooks.example/\u0456n",
    "HTTPS://hooks.example/in",
    "https://HOOKS.example/in",
    "https://hooks.example./in",
    "https://hooks.example:0443/in",
    "https://hooks.example:444/in",
    "https://hooks.example:65536/in",
    "https://hooks.example:/in",
    "https://user@hooks.example/in",
    "https://hooks.example@evil.example/in",
    "https://hooks.example.evil.example/in",
    "https://evil.example/https://hooks.example/in",
    "https:///in",
    "https:/hooks.example/in",
    "//hooks.example/in",
    "http://hooks.example/in",
    "ftp://hooks.example/in",
    "file:///etc/passwd",
    "gopher://hooks.example/in",
    "javascript:alert(1)",
    "http://127.0.0.1/",
    "http://127.1:9000/",
    "http://2130706433:9000/",
    "http://0x7f000001:9000/",
    "http://0x7f.0.0.1:9000/",
    "http://0177.0.0.1:9000/",
    "http://127.0.0.01:9000/",
    "http://[::ffff:127.0.0.1]:9000/",
    "http://[0:0:0:0:0:0:0:1]:9000/",
    "http://localhost:9000/",
    "http://169.254.169.254/latest/meta-data/",
    "",
    "https://hooks.example/in/" + "x" * 1_000,
]


@pytest.mark.parametrize("url", GOOD)
def test_what_lies_below_an_allowed_address_is_allowed(url: str) -> None:
    require_allowed(url, ALLOWED)


@pytest.mark.parametrize("url", BAD)
def test_everything_else_is_not(url: str) -> None:
    with pytest.raises(NotAllowed) as caught:
        require_allowed(url, ALLOWED)
    assert caught.value.code == "address_not_allowed"


PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
SPECIAL = [
    # The networks of RFC 1918, as numbers: no address of one is written in this repository.
    *(str(IPv4Address(number)) for number in (0x0A00_0001, 0xAC10_0001, 0xC0A8_0001)),
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "169.254.169.254", "100.64.0.1", "198.18.0.1", "224.0.0.1"),
    *("240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1"),
    *("2001:db8::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::a00:1"),
    *("2002:7f00:1::", "::7f00:1", "2001:0:7f00:1::", "no address", ""),
]


def allowed_by(url: str):
    return require_allowed(url, ALLOWED)[1]


@pytest.mark.parametrize("ip", PUBLIC)
def test_a_public_address_may_be_behind_a_name(ip: str) -> None:
    require_reachable(ip, allowed_by("https://hooks.example/in"))


@pytest.mark.parametrize("ip", SPECIAL)
def test_no_special_address_may_be_behind_a_name(ip: str) -> None:
    """Whatever the name server says, at subscription or years later."""
    with pytest.raises(NotAllowed):
        require_reachable(ip, allowed_by("https://hooks.example/in"))


def test_the_operator_may_name_a_network_of_his_own() -> None:
    require_reachable("127.0.0.1", allowed_by("http://127.0.0.1:9000/"))
    require_reachable("::1", allowed_by("http://[::1]:9000/"))
    require_reachable("192.0.2.1", allowed_by("https://inside.example/"))
    with pytest.raises(NotAllowed):
        require_reachable("127.0.0.2", allowed_by("http://127.0.0.1:9000/"))


@pytest.mark.parametrize(
    "text", ["", "hooks.example", "https://", "https://a/?x", "private:", "https://a/../", "https://u@a/", "ftp://a/"]
)
def test_the_operators_own_mistakes_are_told(text: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_allowed([text])
    assert caught.value.code == "bad_allowed_address"


def test_there_are_so_many_allowed_addresses_and_no_more() -> None:
    assert len(read_allowed(["https://a.example/"] * ALLOWED_MAX)) == ALLOWED_MAX
    with pytest.raises(Unreadable):
        read_allowed(["https://a.example/"] * (ALLOWED_MAX + 1))
