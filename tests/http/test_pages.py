"""Every list, every filter, every page is what brute force over the records gives, and stays so while the log grows.

The expected side folds the entries of the same log into plain dicts by the rule book and picks from them with the
predicates below, which know nothing of SQL. Covers THREATS H13, H20; source: DESIGN 6.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.strict import format_milliseconds
from ledger.domain import records
from ledger.domain.memory import MemoryState
from ledger.domain.period import day_of_ms, format_day, parse_day
from ledger.service import find as acts
from ledger.service.asking import PARAMETERS, is_spelled
from ledger.service.ledger import Ledger
from tests.domain.game import Game, Step, histories
from tests.http.varied import Kept, fold, recorded
from tests.ledgers import require_whole
from tests.world import START_MS

Pick = Callable[[Any, str], bool]
SHAPES: dict[str, type[Any]] = {
    "claims": records.ClaimRecord,
    "attestations": records.AttestationRecord,
    "parties": records.PartyRecord,
    "accreditations": records.AccreditationRecord,
    "methodologies": records.MethodologyRecord,
    "factor-sets": records.FactorSetRecord,
    "targets": records.TargetRecord,
    "certificates": records.CertificateRecord,
    "entries": records.StatementRecord,
}


def equal(name: str) -> Pick:
    return lambda record, text: getattr(record, name) == text


def said(name: str) -> Pick:
    return lambda record, text: getattr(record.subject, name) == text


def holds(name: str) -> Pick:
    return lambda record, text: text in getattr(record, name)


def ended(record: Any, text: str) -> bool:
    return (record.revoked_index is not None) == (text == "true")


PICKS: dict[str, dict[str, Pick]] = {
    "claims": {
        **{name: equal(name) for name in "status claimant country methodology registry kind lever scope".split()},
        "verifier": lambda claim, text: text in {one.verifier for one in claim.attestations},
        "start": lambda claim, text: any(day >= parse_day(text) for day in range(claim.start_day, claim.end_day)),
        "end": lambda claim, text: any(day < parse_day(text) for day in range(claim.start_day, claim.end_day)),
    },
    "attestations": {"claim": equal("claim"), "verifier": equal("verifier"), "revoked": ended},
    "parties": {
        "country": equal("country"),
        "role": holds("roles"),
        "ultimate_owner": equal("ultimate_owner"),
        "ecosystem_role": equal("ecosystem_role"),
    },
    "accreditations": {
        **{name: equal(name) for name in ("verifier", "accreditor", "status")},
        "family": holds("families"),
        "sector": holds("sectors"),
    },
    "methodologies": {
        **{name: equal(name) for name in ("id", "issuer")},
        **{name: said(name) for name in ("family", "sector", "kind", "quality")},
    },
    "factor-sets": {"id": equal("id"), "issuer": equal("issuer")},
    "targets": {
        "id": equal("id"),
        "metric": lambda target, text: text == type(target.subject).__name__.lower(),
    },
    "certificates": {"number": equal("number"), "holder": equal("holder"), "revoked": ended},
    "entries": {"kind": equal("kind"), "issuer": equal("issuer")},
}


def every_page(ledger: Ledger, name: str, where: dict[str, str], *, limit: int) -> list[Any]:
    """All items of a list, from its first page to its last."""
    items: list[Any] = []
    given = {**where, "limit": str(limit)}
    while True:
        page = acts.find(ledger, name, given.items())
        assert len(page.items) == limit or page.next is None
        items += page.items
        if page.next is None:
            return items
        given["cursor"] = page.next


def expected(state: MemoryState, name: str, where: dict[str, str]) -> list[Any]:
    """The records that meet every filter, oldest first."""
    picks = PICKS[name]
    found = [one for one in state.all(SHAPES[name]) if all(picks[key](one, text) for key, text in where.items())]
    return [dressed(one) for one in sorted(found, key=lambda one: one.index)]


def dressed(record: Any) -> Any:
    """What a list shows of a record: all of it, and of an entry also when it was recorded."""
    if not isinstance(record, records.StatementRecord):
        return record
    moment = format_milliseconds(START_MS)
    return acts.EntryLine(record.index, record.kind, record.issuer, record.id, record.entry_hash, moment)


def expected_queue(state: MemoryState, verifier: str) -> list[int]:
    """Indexes of the claims that wait for a verifier of whom a grant of today covers family and sector."""
    today, waiting = day_of_ms(START_MS), []
    for claim in state.all(records.ClaimRecord):
        formula = state.get(records.MethodologyRecord, claim.methodology, claim.methodology_version)
        assert formula is not None
        for grant in state.accreditations_of(verifier):
            valid = grant.status == "in-force" and grant.from_day <= today < grant.until_day
            covers = formula.subject.family in grant.families and formula.subject.sector in grant.sectors
            if claim.status in ("submitted", "under-review") and valid and covers:
                waiting.append(claim.index)
                break
    return sorted(waiting)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    made = Kept(tmp_path_factory.mktemp("pages") / "log")
    with made.ledger:
        yield made


def values(state: MemoryState, name: str, parameter: str) -> list[str]:
    """Values that tell records of a list apart, and one that none has."""
    records_there = state.all(SHAPES[name])
    if parameter in ("start", "end"):
        return [format_day(one.start_day + by) for one in records_there for by in (-1, 0, 1)]
    if parameter == "revoked":
        return ["true", "false"]
    spelled = PARAMETERS[name][parameter]
    words = [word for word in WORDS if is_spelled(word, spelled)]
    seen = {text for one in records_there for text in strings(msgspec.to_builtins(one)) if is_spelled(text, spelled)}
    return sorted({*words, *seen})


# What may also be asked for: other countries and roles, and texts that mean something to SQL or JSON.
WORDS = ("DE", "AQ", "urn:lei:nobody", "none", "%", "o_e", "' OR 1=1 --", "removal", "partner", "1", "neutrality")


def strings(value: Any) -> Iterator[str]:
    """Every text within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from strings(one)


def require_every_list(ledger: Ledger, state: MemoryState, *, limit: int) -> None:
    """Each list, unfiltered and by each single value, in pages of `limit`."""
    for name, picks in PICKS.items():
        assert every_page(ledger, name, {}, limit=limit) == expected(state, name, {})
        for parameter in picks:
            for text in values(state, name, parameter):
                where = {parameter: text}
                assert every_page(ledger, name, where, limit=500) == expected(state, name, where), (name, where)
    for party in state.all(records.PartyRecord):
        queue = every_page(ledger, "queue", {"verifier": party.id}, limit=limit)
        assert [one.claim.index for one in queue] == expected_queue(state, party.id)
        assert all(one.claim == state.get(records.ClaimRecord, one.claim.id) for one in queue)


def test_every_filter_there_is_has_a_predicate_here() -> None:
    beside = {"queue", "findings"}  # test_findings.py has the latter
    assert {name: set(filters) for name, filters in PARAMETERS.items() if name not in beside} == {
        name: set(picks) for name, picks in PICKS.items()
    }
    assert SHAPES.keys() == PICKS.keys()


def test_every_list_and_every_single_filter_gives_what_brute_force_gives(kept: Kept) -> None:
    require_every_list(kept.ledger, kept.state, limit=7)


def test_every_filter_tells_records_apart(kept: Kept) -> None:
    """What the test above rests on: each filter leaves some records out and lets some in."""
    idle = []
    for name, picks in PICKS.items():
        count = len(expected(kept.state, name, {}))
        for parameter in picks:
            found = {len(expected(kept.state, name, {parameter: text})) for text in values(kept.state, name, parameter)}
            if not any(0 < one < count for one in found):
                idle.append((name, parameter))
    assert idle == []
    assert len(expected_queue(kept.state, kept.scene.world.party_id("verifier"))) > 20
    assert expected_queue(kept.state, kept.scene.world.party_id("carrier")) == []


@settings(max_examples=150)
@given(data=st.data())
def test_filters_together_give_what_brute_force_gives(kept: Kept, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(PICKS)))
    chosen = data.draw(st.sets(st.sampled_from(sorted(PICKS[name])), min_size=2, max_size=4))
    # Values of one and the same record, so that often something is left.
    record = data.draw(st.sampled_from(kept.state.all(SHAPES[name])))
    where = {
        parameter: data.draw(st.sampled_from(meeting(kept.state, name, parameter, record))) for parameter in chosen
    }
    if "start" in where and "end" in where and where["start"] >= where["end"]:
        del where["start"]
    limit = data.draw(st.sampled_from([1, 2, 500]))
    assert every_page(kept.ledger, name, where, limit=limit) == expected(kept.state, name, where)


def meeting(state: MemoryState, name: str, parameter: str, record: Any) -> list[str]:
    """Values of a parameter that this record meets; any value, where there is none."""
    every = values(state, name, parameter)
    return [text for text in every if PICKS[name][parameter](record, text)] or every


@settings(max_examples=12)
@given(histories(), st.sampled_from([1, 3]))
def test_lists_of_any_history_are_those_of_brute_force(steps: list[Step], limit: int) -> None:
    tried = Game().play(steps).tried
    with tempfile.TemporaryDirectory() as folder, recorded(Path(folder) / "log", tried) as ledger:
        require_every_list(ledger, fold(require_whole(ledger)), limit=limit)


def test_pages_stay_stable_while_the_log_grows(tmp_path: Path) -> None:
    """Each page is asked for after the log has grown; the list ends where it ended when its first page was made."""
    kept = Kept(tmp_path / "log")
    with kept.ledger as ledger:
        size = len(kept.entries)
        given, seen, sizes = {"limit": "20"}, [], []
        while True:
            page = acts.find(ledger, "claims", given.items())
            seen += page.items
            sizes.append(page.as_of.size)
            assert page.listed_to == size
            if page.next is None:
                break
            given["cursor"] = page.next
            ledger.writer.append([kept.scene.world.claim(counted_by=(f"meter:late-{len(seen)}",))])
        assert seen == expected(kept.state, "claims", {})
        assert sizes == [size + grown for grown in range(len(sizes))]
        assert len(sizes) == -(-len(seen) // 20) > 4
        assert len(every_page(ledger, "claims", {}, limit=20)) == len(seen) + len(sizes) - 1
