"""A bug of ours is a problem too: nothing of it reaches the caller, all of it reaches the log."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import httpx
import pytest

from api.app import make_app
from api.deps import Service
from tests.ledgers import found
from tests.world import World


def test_a_bug_is_told_without_its_inside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    ledger = found(tmp_path / "log", World())
    ledger.close()
    ledger.log = None  # type: ignore[assignment]

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(make_app(Service(ledger=ledger)), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.get("/readyz")

    with caplog.at_level(logging.ERROR, "gigaton.http"):
        answer = asyncio.run(ask())
    assert (answer.status_code, answer.json()["code"]) == (500, "unforeseen")
    assert "Traceback" not in answer.text
    assert "AttributeError" not in answer.text
    assert len(answer.headers["X-Request-Id"]) == 36
    assert "AttributeError" in caplog.text
