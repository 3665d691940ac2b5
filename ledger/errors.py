"""Every error this project raises on purpose, in one tree.

    LedgerError
      Refused            the caller asked for something that the rules forbid
        Malformed          bytes that do not parse, or that parse in two ways
        NotAllowed         this party or key may not make this statement
        Conflict           true once, no longer: duplicate, overlap, withdrawn, stale
        Unsupported        a version or kind that this release does not know
      Unproven           evidence was checked and did not hold
        BadSignature       a signature does not verify under the key it names
        BadProof           a Merkle path does not lead to the signed root
        Forked             two histories signed for one log
        Untrusted          nothing is wrong, but not enough of it is trusted
      Unreadable         a file, folder or argument that cannot be read as what it should be
      Unavailable        nothing was written; try again or call the operator

A caller catches a branch or reads `code`, never the text. Each code stands in
`ledger.codes` with what the person does next. Bugs are not in the tree: a
broken invariant is an AssertionError and must stop the process.
"""

from __future__ import annotations

from ledger.codes import REMEDIES

Fact = str | int

_UNKNOWN = "Read the message; the newest release of gigaton knows this code."


class LedgerError(Exception):
    """A deliberate failure: stable `code`, readable `message`, machine-readable `facts`."""

    def __init__(self, code: str, message: str, **facts: Fact) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders (the audit's pool), and keyword facts would be lost by the default.
        return (_rebuild, (type(self), self.code, self.message, self.facts))

    @property
    def remedy(self) -> str:
        """What the person does next."""
        return REMEDIES.get(self.code, _UNKNOWN)  # every code of ours stands there; a newer server has others


class Refused(LedgerError):
    """The rules forbid what was asked; nothing was written."""


class Malformed(Refused):
    """Bytes that do not parse, or that could be read in two ways."""


class NotAllowed(Refused):
    """This party or key may not make this statement at this position."""


class Conflict(Refused):
    """It was possible once and is no longer: duplicate, overlap, withdrawn, stale."""


class Unsupported(Refused):
    """A format version or kind of statement that this release does not know."""


class Unproven(LedgerError):
    """Evidence was checked and did not hold."""


class BadSignature(Unproven):
    """A signature does not verify under the key that it names."""


class BadProof(Unproven):
    """A Merkle path does not lead to the root that was signed."""

    def __init__(self, *, expected_root: bytes, computed_root: bytes) -> None:
        super().__init__(
            "bad_proof",
            f"the path leads to {computed_root.hex()}, the signed root is {expected_root.hex()}",
            expected_root=expected_root.hex(),
            computed_root=computed_root.hex(),
        )
        self.expected_root = expected_root
        self.computed_root = computed_root

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild_bad_proof, (self.expected_root, self.computed_root))


class Forked(Unproven):
    """Two histories were signed for one log."""


class Untrusted(Unproven):
    """Nothing is wrong, but not enough of it is trusted by the reader's own settings."""


class Unreadable(LedgerError):
    """A file, folder or argument that cannot be read as what it should be."""


class Unavailable(LedgerError):
    """Nothing was written; try again later, or call the operator."""


def _rebuild(kind: type[LedgerError], code: str, message: str, facts: dict[str, Fact]) -> LedgerError:
    return kind(code, message, **facts)


def _rebuild_bad_proof(expected_root: bytes, computed_root: bytes) -> BadProof:
    return BadProof(expected_root=expected_root, computed_root=computed_root)
