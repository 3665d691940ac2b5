"""Which addresses the service may call on its own: those that the operator named, and nothing that they lead to.

An address is compared by its very bytes: scheme, host and port are those of an allowed address, and its path
begins with that one's path. What a name resolves to must lie in the public Internet, unless the operator named
the IP address itself, or marked the entry with `private:`.

Source: THREATS H14, T21; RFC 3986; IANA's registries of special addresses, as `ipaddress` has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from msgspec import Struct

from ledger.errors import NotAllowed, Unreadable

URL_CHARACTERS_MAX = 1_000
ALLOWED_MAX = 1_000

_PRIVATE_MARK = "private:"
_DEFAULT_PORTS = {"http": 80, "https": 443}
# One spelling: lower case, no user, no fragment, no character that a reader might take for another.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*)(?:\?(?P<query>[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*))?",
    re.ASCII,
)
# Percent-encoded dots, slashes and backslashes, and what is no percent-encoding at all.
_ODD = re.compile(r"%(?:2[eEfF]|5[cC]|00|(?![0-9A-Fa-f]{2}))")
_EMBEDDING = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"), ip_network("::/96"))


class Address(Struct, frozen=True):
    """An address that can be read in one way."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def literal(self) -> IPv4Address | IPv6Address | None:
        """The IP address, where the host is one."""
        try:
            return ip_address(self.host.strip("[]"))
        except ValueError:
            return None


class Allowed(Struct, frozen=True):
    """What the operator allowed: everything below a path of one origin, in private networks where he says so."""

    below: Address
    private: bool


def read_allowed(texts: Iterable[str]) -> tuple[Allowed, ...]:
    """The operator's list: `https://host/path`, or `private:https://host/path`.

    Raises: Unreadable `bad_allowed_address`.
    """
    found: list[Allowed] = []
    for text in texts:
        private = text.startswith(_PRIVATE_MARK)
        address = _read(text.removeprefix(_PRIVATE_MARK))
        if address is None or "?" in text or len(found) >= ALLOWED_MAX:
            raise Unreadable("bad_allowed_address", f"{text[:100]!a} cannot be allowed", text=text[:100])
        found.append(Allowed(address, private or address.literal is not None))
    return tuple(found)


def require_allowed(url: str, allowed: Iterable[Allowed]) -> tuple[Address, Allowed]:
    """The address, with what allows it.

    Raises: NotAllowed `address_not_allowed`.
    """
    address = _read(url)
    if address is not None:
        for one in allowed:
            below = one.below
            same = (address.scheme, address.host, address.port) == (below.scheme, below.host, below.port)
            if same and _lies_below(address.path, below.path):
                return address, one
    raise NotAllowed("address_not_allowed", f"the operator of this service does not allow {url[:100]!a}")


def require_reachable(ip: str, by: Allowed) -> None:
    """Refuse an IP address that a public name should not lead to.

    Raises: NotAllowed `address_not_allowed`.
    """
    try:
        found = ip_address(ip.partition("%")[0])
    except ValueError:
        raise NotAllowed("address_not_allowed", "this is no IP address") from None
    literal = by.below.literal
    if literal is not None and found != literal:
        raise NotAllowed("address_not_allowed", "this is another IP address than the one that is allowed")
    if not by.private and not all(_is_public(one) for one in (found, *_inside(found))):
        raise NotAllowed("address_not_allowed", "the name leads into a network that is not public")


def _read(url: str) -> Address | None:
    if len(url) > URL_CHARACTERS_MAX:
        return None
    match = _URL.fullmatch(url)
    if match is None or _ODD.search(url):
        return None
    path = match["path"] or "/"
    if any(part in (".", "..") for part in path.split("/")) or "//" in path:
        return None
    address = Address(match["scheme"], match["host"], int(match["port"] or _DEFAULT_PORTS[match["scheme"]]), path)
    # A host of digits alone, or in another base, is an IP address for some resolvers and a name for others.
    if address.literal is None and re.search(r"(?:^|[.])(?:0x[0-9a-f]*|[0-9]+)$", address.host):
        return None
    return address if address.port <= 65_535 else None


def _lies_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix if prefix.endswith("/") else prefix + "/")


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inside(address: IPv4Address | IPv6Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses that a gateway may make of an IPv6 address."""
    if isinstance(address, IPv4Address):
        return ()
    embedded = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _EMBEDDING):
        embedded.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return tuple(one for one in embedded if one is not None)
