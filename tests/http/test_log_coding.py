"""Entry bundles compressed for whoever accepts it, hash tiles never, and each under its own tag.

Covers THREATS H08; source: C2SP tlog-tiles (TLOG-SPEC 6), RFC 9110, 12.5.3.
"""

from __future__ import annotations

import gzip
import zlib

import httpx
import pytest

from ledger.core.tiles import decode_bundle
from tests.http.conftest import Varied

BUNDLE, TILE = "/log/tile/entries/000.p/200", "/log/tile/0/000.p/200"
ACCEPTED = {
    "gzip": True,
    "GZIP": True,
    "x-gzip": True,
    "*": True,
    "gzip;q=0.001": True,
    "br, gzip;q=0.8, *;q=0.1": True,
    "identity;q=0.5, gzip;q=0.5": True,
    "identity;q=0, gzip": True,
    "": False,
    "identity": False,
    "br": False,
    "gzip;q=0": False,
    "gzip;q=0.000": False,
    "*, gzip;q=0": False,
    "*;q=0": False,
    "gzip;q=0.5, identity": False,
    "gzip;q=2": False,
    "gzip;q=-1": False,
    "gzip;q=nan": False,
    "gzip;q=0.1234": False,
    "gzipped": False,
    ";;,,;q=1": False,
}


def fetched(client: httpx.Client, path: str, accepted: str) -> tuple[bytes, httpx.Headers]:
    """The bytes as they were sent, whatever their coding."""
    request = client.build_request("GET", path, headers={"Accept-Encoding": accepted})
    answer = client.send(request, stream=True)
    try:
        assert answer.status_code == 200
        return b"".join(answer.iter_raw()), answer.headers
    finally:
        answer.close()


@pytest.mark.parametrize("accepted", ACCEPTED)
def test_a_bundle_is_compressed_where_that_is_accepted(varied: Varied, accepted: str) -> None:
    with varied.client() as client:
        whole, _ = fetched(client, BUNDLE, "identity")
        sent, headers = fetched(client, BUNDLE, accepted)
    assert decode_bundle(whole, width=200) == varied.kept.entries[:200]
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["Content-Type"] == "application/octet-stream"
    assert "immutable" in headers["Cache-Control"]
    assert headers.get("Content-Encoding") == ("gzip" if ACCEPTED[accepted] else None)
    assert int(headers["Content-Length"]) == len(sent)
    assert (gzip.decompress(sent) if ACCEPTED[accepted] else sent) == whole


def test_a_hash_tile_and_a_checkpoint_are_never_compressed(varied: Varied) -> None:
    with varied.client() as client:
        for path in (TILE, "/log/checkpoint", "/v1/entries/0"):
            sent, headers = fetched(client, path, "gzip")
            assert "Content-Encoding" not in headers
            assert "Vary" not in headers
            assert sent == fetched(client, path, "identity")[0]


def test_a_compressed_bundle_is_the_same_bytes_each_time_and_has_its_own_tag(varied: Varied) -> None:
    with varied.client() as client:
        zipped, headers = fetched(client, BUNDLE, "gzip")
        again, _ = fetched(client, BUNDLE, "gzip")
        _, plain = fetched(client, BUNDLE, "identity")
        assert zipped == again
        assert zipped[4:8] == bytes(4)  # no time of making
        assert zlib.decompressobj(wbits=31).decompress(zipped) == gzip.decompress(zipped)
        assert headers["ETag"] != plain["ETag"]
        for tag, accepted, status in (
            (headers["ETag"], "gzip", 304),
            (plain["ETag"], "identity", 304),
            (headers["ETag"], "identity", 200),
            (plain["ETag"], "gzip", 200),
        ):
            answer = client.get(BUNDLE, headers={"Accept-Encoding": accepted, "If-None-Match": tag})
            assert (answer.status_code, answer.headers["Vary"]) == (status, "Accept-Encoding")


def test_a_bundle_of_one_width_is_no_other(varied: Varied) -> None:
    with varied.client() as client:
        tags = {client.get(f"/log/tile/entries/000.p/{width}").headers["ETag"] for width in range(1, 21)}
    assert len(tags) == 20
