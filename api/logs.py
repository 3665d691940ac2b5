"""What the service says: one line of JSON an event, on standard error, and nothing secret in it.

Whatever came from outside is escaped to printable ASCII: no request can end a
line, begin another, or move the cursor of whoever reads (THREATS H07). Bodies,
queries and headers of requests are never logged (T26).
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar

import msgspec

from ledger.core.strict import format_milliseconds

MESSAGE_CHARACTERS_MAX = 1_000
TRACEBACK_CHARACTERS_MAX = 20_000

# The request that is being served where something is logged; empty elsewhere.
REQUEST: ContextVar[str] = ContextVar("request", default="")

_LOG = logging.getLogger("gigaton")


def log_to_stderr() -> None:
    """Send everything that is logged in this process to standard error, as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log the address of every webhook
    logging.captureWarnings(capture=True)


def event(name: str, *, level: int = logging.INFO, **fields: str | int | None) -> None:
    """Log an event of the service with its fields; those that are None are left out."""
    _LOG.log(level, name, extra={"fields": {key: value for key, value in fields.items() if value is not None}})


class JsonLines(logging.Formatter):
    """A log record as one line of JSON in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """Time and level, then what is known of the event."""
        line: dict[str, str | int] = {
            "time": format_milliseconds(int(record.created * 1000)),
            "level": record.levelname.lower(),
        }
        fields = getattr(record, "fields", None)
        if fields is None:
            # Said by a library, in its own words.
            line |= {"event": "log", "logger": record.name, "message": record.getMessage()[:MESSAGE_CHARACTERS_MAX]}
        else:
            line |= {"event": record.getMessage()}
        request = REQUEST.get()
        if request:
            line["request"] = request
        line |= {name: _cut(value) for name, value in (fields or {}).items()}
        if record.exc_info and record.exc_info[1] is not None:
            told = "".join(traceback.format_exception(record.exc_info[1]))
            line["traceback"] = told[-TRACEBACK_CHARACTERS_MAX:]
        return _in_ascii(line)


def _in_ascii(line: dict[str, str | int]) -> str:
    try:
        text = msgspec.json.encode(line).decode()
    except UnicodeEncodeError:  # half of a pair, from a path perhaps
        text = ""
    # The fast writer leaves these as they are; the standard library's escapes them, at three times the cost.
    plain = text and text.isascii() and "\x7f" not in text
    return text if plain else json.dumps(line, ensure_ascii=True, separators=(",", ":"))


def _cut(value: str | int) -> str | int:
    return value[:MESSAGE_CHARACTERS_MAX] if isinstance(value, str) else value
