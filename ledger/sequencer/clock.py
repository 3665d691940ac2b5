"""The only call to the time of day."""

from __future__ import annotations

import time
from collections.abc import Callable

# Milliseconds since 1970 (UTC).
Clock = Callable[[], int]


def now_ms() -> int:
    """Milliseconds since 1970 (UTC), cut."""
    return time.time_ns() // 1_000_000
