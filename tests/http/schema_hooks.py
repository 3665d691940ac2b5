"""How schemathesis sends a statement: as the text that it is."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("application/vc+jwt", "application/x-ndjson")
def as_it_is(context: Any, value: Any) -> bytes:
    """Text as UTF-8; what is no text as its own spelling, which is no statement either."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
