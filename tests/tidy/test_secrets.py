"""Nothing in the repository is secret, and nothing in it names a machine or a registry's address."""

from __future__ import annotations

import re
import stat

import pytest

from tests.tidy.source import ROOT, files, where

# Each pattern is written so that it does not match itself.
PRIVATE_KEYS = {
    "a PEM private key": rb"-{5}BEGIN [A-Z ]*PRIVATE KEY-{5}",
    "an age secret key": rb"AGE-SECRET-KEY-[1]",
    "a note signer's key": rb"PRIVATE[+]KEY[+][^+\s]+[+]",
    "a secret JWK": rb'"d"\s*:\s*"[A-Za-z0-9_-]{43}"',
}
ADDRESSES = {
    "a package registry": (
        rb"(?:pypi[.]org|pythonhosted[.]org|registry[.]npmjs|npmjs[.]org|proxy[.]golang|crates[.]io"
        rb"|deb[.]debian|maven[.]org)"
    ),
    "a machine's path": rb"(?:^|[\s\"'=(:])/(?:work|root|home|Users|opt|mnt)/[a-z.]",
    "an address in a private network": rb"\b(?:10[.]\d+|192[.]168|172[.](?:1[6-9]|2\d|3[01]))[.]\d+[.]\d+\b",
}
BINARY = {".ttf", ".pdf", ".png", ".ico", ".woff2", ".zip"}


@pytest.mark.parametrize("what", PRIVATE_KEYS)
def test_no_private_key_is_tracked(what: str) -> None:
    """Not even a test's: tests make their own keys."""
    pattern = re.compile(PRIVATE_KEYS[what])
    assert [where(path) for path in files() if pattern.search(path.read_bytes())] == []


@pytest.mark.parametrize("what", ADDRESSES)
def test_no_address_or_path_of_one_machine_is_tracked(what: str) -> None:
    pattern = re.compile(ADDRESSES[what], re.MULTILINE)
    texts = (path for path in files() if path.suffix not in BINARY)
    assert [where(path) for path in texts if pattern.search(path.read_bytes())] == []


def test_no_key_file_or_database_is_tracked() -> None:
    kinds = {".age", ".key", ".pem", ".p12", ".db", ".sqlite"}
    assert [where(path) for path in files() if path.suffix in kinds or path.name == "passphrase.txt"] == []


def test_scripts_can_be_run_and_nothing_else() -> None:
    """A script lost its mode bit on some checkouts; what is no script should not have one."""
    for path in files():
        starts = path.read_bytes()[:2] == b"#!"
        runs = bool(path.stat().st_mode & stat.S_IXUSR)
        assert starts == runs, path.relative_to(ROOT)
