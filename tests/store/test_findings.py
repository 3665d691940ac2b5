"""Findings on both databases: the rows follow from the log, and the schema before them becomes theirs with data in it.

Covers DESIGN 5; THREATS L08, X14.
"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, inspect, select

from ledger.domain.records import ClaimRecord, FindingRecord
from ledger.errors import LedgerError, Unavailable
from ledger.service.ledger import Ledger
from ledger.service.submit import prove, submit
from ledger.store import queries
from ledger.store.engine import engine_of
from ledger.store.fsck import fsck
from ledger.store.migrations import schema_version
from ledger.store.migrations.run import downgrade, upgrade
from ledger.store.tables import ENTRY, TABLE_OF
from tests.dialogue import answering, closing, insisting, raising
from tests.ledgers import require_whole
from tests.store.databases import Place
from tests.world import World, reference_to


def add(ledger: Ledger, statement: bytes) -> Any:
    return reference_to(prove(ledger, [submit(ledger, statement).index])[0].entry)


def leaves(engine: Engine) -> list[bytes]:
    with engine.connect() as connection:
        return list(connection.execute(select(ENTRY.c.leaf_hash).order_by(ENTRY.c.index)).scalars())


def test_a_dialogue_lives_through_a_restart_and_follows_from_the_log(database: Place) -> None:
    world = World()
    with database.found(world) as ledger:
        claim = add(ledger, world.claim())
        finding = add(ledger, raising(world, claim))
        first = add(ledger, answering(world, finding))
    with database.opened() as ledger:
        add(ledger, insisting(world, finding, 2))
        second = add(ledger, answering(world, finding, 2))
        with pytest.raises(LedgerError) as refused:
            submit(ledger, world.attest(claim, "499000.000"))
        assert refused.value.code == "open_findings"
        add(ledger, raising(world, claim, "FAR", by="verifier2"))
        end = add(ledger, closing(world, finding))
        add(ledger, world.attest(claim, "499000.000", findings=(finding.id,)))
        require_whole(ledger)
        assert fsck(ledger.engine) == []
        with ledger.reading() as connection:
            (record,) = queries.find(connection, FindingRecord, id=finding.id)
            (counted,) = queries.find(connection, ClaimRecord, id=claim.id)
            made = queries.history(connection, FindingRecord, finding.id)
        assert (record.status, record.round, record.responses) == ("closed", 2, (first.index, second.index))
        assert (counted.status, counted.findings, counted.open_findings, counted.open_cars) == ("verified", 2, 1, 0)
        assert made == [finding.index, first.index, first.index + 1, second.index, end.index]


def test_a_log_of_the_schema_before_takes_findings_once_it_is_raised(database: Place) -> None:
    world = World()
    with database.found(world) as ledger:
        claim = add(ledger, world.claim())
    engine = engine_of(database.where)
    before = leaves(engine)
    with engine.begin() as connection:
        downgrade(connection, "0001")
        assert schema_version(connection) == 1
        assert not inspect(connection).has_table("finding")
        assert "open_cars" not in {one["name"] for one in inspect(connection).get_columns("claim")}
    with engine.begin() as connection:
        upgrade(connection)
        columns = {one["name"] for one in inspect(connection).get_columns("finding")}
        assert columns == {column.name for column in TABLE_OF[FindingRecord].columns}
        indexed = {str(one["name"]): one["column_names"] for one in inspect(connection).get_indexes("finding")}
        assert indexed == {str(one.name): [c.name for c in one.columns] for one in TABLE_OF[FindingRecord].indexes}
    assert leaves(engine) == before
    engine.dispose()
    with database.opened() as ledger:
        add(ledger, raising(world, claim))
        assert fsck(ledger.engine) == []


def test_a_log_with_findings_is_not_taken_back_to_a_release_that_cannot_read_them(database: Place) -> None:
    world = World()
    with database.found(world) as ledger:
        add(ledger, raising(world, add(ledger, world.claim())))
    engine = engine_of(database.where)
    with pytest.raises(Unavailable) as refused, engine.begin() as connection:
        downgrade(connection, "0001")
    assert refused.value.code == "schema_version"
    engine.dispose()
    with database.opened() as ledger:
        assert fsck(ledger.engine) == []
