"""Findings as they are shown: with the day on which an answer is due, and whether it is late at the log's head.

A label of a read, never a state: in the log nothing happens because a deadline passes.

Source: RULES, first section, and 8.
"""

from __future__ import annotations

from msgspec.structs import asdict

from ledger.core.strict import format_milliseconds
from ledger.domain.records import FindingRecord
from ledger.service.answers import ShownFinding


def shown(finding: FindingRecord, *, now_ms: int) -> ShownFinding:
    """The finding as of a moment: `recorded_at` of the head at which it is read."""
    overdue = finding.status == "open" and now_ms > finding.deadline_ms
    return ShownFinding(**asdict(finding), deadline=format_milliseconds(finding.deadline_ms), overdue=overdue)
