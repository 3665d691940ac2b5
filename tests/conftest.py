"""What every test runs under: the same search for counter-examples everywhere, and no silent skips where it counts.

Nothing here imports the project, so that the auditor's tests can run with this file where the server is not installed.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# Shared machines are slow at odd moments: an example is judged by what it does, never by how long it took.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("shared")

IN_CI = os.environ.get("CI") == "true"
SKIPPED_IN_CI = "skipped, and in CI a missing component is a failure: "


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure in CI: there, everything that a test needs must be installed."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{SKIPPED_IN_CI}{report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips itself while it is collected."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{SKIPPED_IN_CI}{report.longrepr}"
    return report
