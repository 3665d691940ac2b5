"""The judge that shares no line with this project, built once from its source."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SOURCES = [Path(__file__).parent / "gojudge" / name for name in ("main.go", "live.go")]
# Debian's golang-golang-x-mod-dev puts its sources here; nothing is fetched.
GO = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": ""}


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The judge, built from its source."""
    folder = tmp_path_factory.mktemp("judge")
    environment = {**os.environ, **GO, "GOCACHE": str(folder / "cache")}
    subprocess.run(["go", "build", "-o", folder / "judge", *SOURCES], check=True, env=environment)
    return folder / "judge"
