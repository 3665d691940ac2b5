"""What a call comes to: nothing, or the code of one of our own errors. Any other exception goes through."""

from __future__ import annotations

from collections.abc import Callable

from ledger.codes import REMEDIES
from ledger.errors import LedgerError


def code_of(call: Callable[[], object]) -> str:
    """The code that a call is refused with, which must have a remedy; empty if it is not refused."""
    try:
        call()
    except LedgerError as error:
        if error.code not in REMEDIES:
            raise AssertionError(f"{error.code} has no remedy") from error
        return error.code
    return ""
