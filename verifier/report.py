"""What an audit found, as one structure: the verdict and its exit code first, then everything it rests on.

Exit codes: 0 proven, 1 refuted, 2 unreadable or unsupported, 3 not enough
trust, 4 rollback or fork against pinned state. Where several hold, the order is
2 (unreadable), 4, 1, 2 (unsupported), 3, 0.

Source: DESIGN 7.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from keys.trust import Trust
from ledger.codes import REMEDIES
from ledger.domain.goals import by_status, summary
from ledger.domain.totals import CellSum
from ledger.domain.units import format_kg
from ledger.errors import LedgerError, Unreadable
from verifier.pins import Pin
from verifier.replay import Replay

PROVEN, REFUTED, UNREADABLE, UNTRUSTED, FORKED, ENDED = 0, 1, 2, 3, 4, 5

Verdict = Literal["proven", "refuted", "unreadable", "unsupported", "not enough trust", "rollback or fork"]


class Finding(Struct, frozen=True):
    """One thing that decided the verdict; `index` names the first bad entry where there is one."""

    code: str
    message: str
    remedy: str
    index: int | None = None


class Sums(Struct, frozen=True):
    """What counts, in kgCO2e, by several dimensions."""

    total_kg: str
    claims: int
    by: dict[str, dict[str, str]]


class Report(Struct, frozen=True):
    """The result of one audit."""

    verdict: Verdict
    exit_code: int
    findings: list[Finding]
    origin: str = ""
    genesis: str = ""
    size: int = 0
    root: str = ""
    entries: int = 0
    signatures: int = 0
    kinds: dict[str, int] = {}
    claims: dict[str, int] = {}
    recognised: Sums | None = None
    other: Sums | None = None
    cosigned_by: list[str] = []
    quorum: int = 0
    pins: str = "not kept"
    bundles_beyond: int = 0


def finding(code: str, message: str, index: int | None = None) -> Finding:
    """A finding with what to do about it."""
    return Finding(code, message, REMEDIES.get(code, "Tell the operator and keep the files."), index)


def failed(error: LedgerError) -> Report:
    """The report when there was nothing to replay: unreadable files, or a checkpoint that does not hold."""
    one = finding(error.code, error.message)
    if isinstance(error, Unreadable):
        return Report("unreadable", UNREADABLE, [one])
    return Report("refuted", REFUTED, [one])


def conclude(result: Replay, trust: Trust, *, pinned: Pin | None, keeps_pins: bool, beyond: int) -> Report:
    """The verdict of a replay."""
    findings, forked = _against_pin(result, pinned)
    if result.problem is not None:
        problem = result.problem
        findings.append(finding(problem.code, problem.message, problem.index))
    cosigned = [one.vkey.name for one in result.checkpoint.cosignatures]
    doubts = [] if result.problem is not None or forked else _doubts(result, trust, len(cosigned))
    findings += doubts
    verdict: Verdict
    if forked:
        verdict, code = "rollback or fork", FORKED
    elif result.problem is not None and not result.unsupported:
        verdict, code = "refuted", REFUTED
    elif result.unsupported:
        verdict, code = "unsupported", UNREADABLE
    elif doubts:
        verdict, code = "not enough trust", UNTRUSTED
    else:
        verdict, code = "proven", PROVEN
    state = result.state
    return Report(
        verdict,
        code,
        findings,
        origin=trust.origin,
        genesis=trust.genesis,
        size=result.checkpoint.size,
        root=result.checkpoint.root.hex(),
        entries=result.entries,
        signatures=result.signatures,
        kinds=dict(sorted(result.kinds.items())),
        claims=by_status(one for sums in state.sums.values() for one in sums.values()),
        recognised=_sums(list(state.sums[True].values())),
        other=_sums(list(state.sums[False].values())),
        cosigned_by=cosigned,
        quorum=trust.witnesses.quorum,
        pins=_pin_text(pinned, keeps_pins),
        bundles_beyond=beyond,
    )


def _against_pin(result: Replay, pinned: Pin | None) -> tuple[list[Finding], bool]:
    if pinned is None:
        return [], False
    size = result.checkpoint.size
    if size < pinned.size:
        return [finding("rolled_back", f"size {size}, but size {pinned.size} was accepted before")], True
    root = result.roots.get(pinned.size)
    if root is not None and root.hex() != pinned.root:
        message = f"at size {pinned.size} the root is {root.hex()}, {pinned.root} was accepted before"
        return [finding("forked", message)], True
    return [], False


def _doubts(result: Replay, trust: Trust, cosigned: int) -> list[Finding]:
    doubts = []
    if cosigned < trust.witnesses.quorum:
        doubts.append(
            finding("below_quorum", f"{cosigned} of {trust.witnesses.quorum} witnesses cosigned the checkpoint")
        )
    state = result.state
    if state.attested and not state.recognised_attested:
        message = f"none of {state.attested} attestations is by a verifier of a recognised accreditor"
        doubts.append(finding("no_recognised_accreditor", message))
    return doubts


def _sums(cells: list[CellSum]) -> Sums:
    whole = [held for held in cells if held.cell.dimension == "all"]
    by = {
        name: {value: format_kg(grams) for value, grams in sorted(values.items()) if grams}
        for name, values in summary(cells).items()
    }
    return Sums(format_kg(sum(held.grams for held in whole)), sum(held.claims for held in whole), by)


def _pin_text(pinned: Pin | None, keeps_pins: bool) -> str:
    if pinned is not None:
        return f"extends size {pinned.size}, accepted before"
    return "new, no prior state" if keeps_pins else "not kept"
