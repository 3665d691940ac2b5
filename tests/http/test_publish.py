"""What is published for ever is whole, or is not published. Source: C2SP tlog-tiles (TLOG-SPEC 6)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ledger.core.tiles import decode_bundle
from ledger.errors import Unavailable
from ledger.service import publish
from tests.ledgers import found
from tests.world import World


def test_a_bundle_is_never_cut_short(tmp_path: Path) -> None:
    """An entry that the disk lost: readers would keep the shorter bundle, under an address that says it is whole."""
    with found(tmp_path / "log", World()) as ledger:
        whole = publish.tile(ledger, "tile/entries/000.p/5")
        connection = sqlite3.connect(ledger.directory / "ledger.db")
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute('DELETE FROM entry WHERE "index" = 3')
        connection.commit()
        connection.close()
        with pytest.raises(Unavailable) as caught:
            publish.tile(ledger, "tile/entries/000.p/5")
        assert caught.value.code == "tile_missing"
        kept = decode_bundle(publish.tile(ledger, "tile/entries/000.p/3"), width=3)
    assert kept == decode_bundle(whole, width=5)[:3]
