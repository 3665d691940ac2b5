"""The closed table of error codes: code -> what the person does next.

Codes are a public promise: they are never renamed and never reused. A test
holds that every code raised in the source stands here and that none is idle.
"""

from __future__ import annotations

from ledger.codes.around import AUDIT, CERTIFICATES, COMMANDS, KEYS, STORE
from ledger.codes.rules import BYTES, RULES

REMEDIES: dict[str, str] = {**BYTES, **RULES, **STORE, **KEYS, **AUDIT, **CERTIFICATES, **COMMANDS}
