"""Key files are refused unless they are private, whole and what they should be; no message shows a key.

Covers THREATS X10, X11.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from keys.generate import issue_seal, new_key
from keys.keyfile import KeyRing, StoredKey, read_ring, write_ring
from keys.signer import FileSigner
from ledger.core.ed25519 import verify
from ledger.errors import Unreadable

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    """A key file with one key."""
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    key = new_key(name="acme", owner="https://acme.example", purposes=("claim",))
    write_ring(folder / "acme.age", KeyRing((key,)), PASSPHRASE)
    return folder / "acme.age"


def refused(path: Path, passphrase: str = PASSPHRASE) -> str:
    """The code with which a key file is refused."""
    with pytest.raises(Unreadable) as caught:
        read_ring(path, passphrase)
    assert "PRIVATE" not in caught.value.message
    return caught.value.code


def test_what_is_written_is_read_and_signs(ring: Path) -> None:
    (stored,) = read_ring(ring, PASSPHRASE).keys
    signer = FileSigner.from_stored(stored)
    verify(key=signer.public_key, message=b"hello", signature=signer.sign(b"hello"))
    assert ring.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE" not in repr(stored)


def test_a_file_is_never_replaced(ring: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        write_ring(ring, KeyRing(()), PASSPHRASE)
    assert caught.value.code == "key_file_exists"


@pytest.mark.parametrize("mode", [0o644, 0o666, 0o640])
def test_looser_modes_are_refused(ring: Path, mode: int) -> None:
    ring.chmod(mode)
    assert refused(ring) == "key_file_permissions"


def test_a_folder_that_others_may_write_is_refused(ring: Path) -> None:
    ring.parent.chmod(0o777)
    assert refused(ring) == "key_file_permissions"


def test_a_link_is_refused(ring: Path) -> None:
    link = ring.with_name("link.age")
    link.symlink_to(ring)
    assert refused(link) == "unreadable_file"


def test_a_wrong_passphrase_is_refused(ring: Path) -> None:
    assert refused(ring, "wrong") == "wrong_passphrase"


@pytest.mark.parametrize("raw", [b"", b"not age", b"age-encryption.org/v1\n"])
def test_what_is_no_key_file_is_refused(ring: Path, raw: bytes) -> None:
    ring.write_bytes(raw)
    assert refused(ring) in ("bad_key_file", "wrong_passphrase")


def test_a_truncated_file_is_refused(ring: Path) -> None:
    ring.write_bytes(ring.read_bytes()[:-10])
    assert refused(ring) == "wrong_passphrase"


def test_a_key_of_another_type_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    seal = issue_seal(name="seal", common_name="Test seal").stored
    wrong = StoredKey("wrong", "", (), "ed25519", seal.pkcs8)
    write_ring(folder / "wrong.age", KeyRing((wrong,)), PASSPHRASE)
    assert refused(folder / "wrong.age") == "bad_key_file"
    with pytest.raises(Unreadable) as caught:
        FileSigner.from_stored(seal)
    assert caught.value.code == "wrong_key_type"
