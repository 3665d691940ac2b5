"""One ledger, two databases: the same statements give the same receipts, rows, answers and files on both.

The suites of tests/sequencer, test_fsck and test_migrations run on each database by itself; here the two are held
against each other. Covers DESIGN 5 and 8; THREATS R27, R28.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from sqlalchemy import select

from ledger.domain.statements import claim as c
from ledger.errors import LedgerError, Malformed, NotAllowed, Refused, Unavailable
from ledger.sequencer.writer import Answer
from ledger.service import asking, find, report
from ledger.service.found import found_ledger
from ledger.service.ledger import Ledger
from ledger.service.submit import prove, submit, submit_all
from ledger.store.create import create_database
from ledger.store.export import export_log
from ledger.store.fsck import fsck
from ledger.store.tables import CELL, ENTRY, HEAD, HISTORY, TABLE_OF, TILE
from tests.cast import key_of
from tests.domain.game import Game, Step, histories
from tests.ledgers import LogSigner, fixed_clock, require_whole
from tests.store.databases import Place
from tests.store.servers import shared
from tests.world import World, reference_to

TABLES = (ENTRY, TILE, HEAD, CELL, HISTORY, *TABLE_OF.values())
LARGEST_KG = "9999999999999.999"


def lived(place: Place) -> Ledger:
    """A ledger with two claims, one attested, that was closed and opened in between."""
    world = World()
    with place.found(world) as ledger:
        claim = submit(ledger, world.claim())
    ledger = place.opened()
    reference = reference_to(prove(ledger, [claim.index])[0].entry)
    for answer in submit_all(ledger, [world.attest(reference, "499000.000"), world.claim("plant")]):
        assert not isinstance(answer, LedgerError)
    return ledger


def test_a_ledger_lives_and_is_found_in_order(database: Place) -> None:
    with lived(database) as ledger:
        assert ledger.engine.dialect.name == database.kind
        require_whole(ledger)
        assert fsck(ledger.engine) == []


@contextmanager
def both() -> Iterator[tuple[Place, Place]]:
    """Room on each database."""
    with TemporaryDirectory() as folder:
        yield Place(Path(folder) / "file"), Place(Path(folder) / "server", server=shared(), name=shared().create())


def recorded(place: Place, statements: Sequence[bytes]) -> tuple[Ledger, list[Any]]:
    """A ledger to which all of this was submitted, one by one, and what was answered."""
    ledger = found_ledger(place.directory, statements[0], signer=LogSigner(), database=place.url, clock=fixed_clock)
    return ledger, [said(ledger.writer.append([statement])[0]) for statement in statements[1:]]


def said(answer: Answer) -> object:
    """An answer that can be compared."""
    if isinstance(answer, LedgerError):
        return answer.code, answer.message, answer.facts
    return answer


def rows_of(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the log and of what follows from it, in the order in which the database itself puts it."""
    with ledger.reading() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in TABLES
        }


def answers_of(ledger: Ledger, world: World) -> list[bytes]:
    """What is answered to every question that needs no id, in pages."""
    answers = [msgspec.json.encode(act(ledger), order="sorted") for act in (report.totals, report.goal_progress)]
    for name in asking.PARAMETERS:
        asked = {"limit": "7"} | ({"verifier": world.party_id("verifier")} if name == asking.QUEUE else {})
        while True:
            page = find.find(ledger, name, asked.items())
            answers.append(msgspec.json.encode(page, order="sorted"))
            if page.next is None:
                break
            asked["cursor"] = page.next
    return answers


def files_of(ledger: Ledger, folder: Path) -> dict[str, bytes]:
    """What an auditor would get."""
    with ledger.reading() as connection:
        export_log(connection, folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def require_equal(places: tuple[Place, Place], statements: Sequence[bytes], world: World) -> Ledger:
    """Whatever is submitted, both databases end alike; gives the ledger on PostgreSQL."""
    with ExitStack() as opened:
        (one, said_here), (other, said_there) = (recorded(place, statements) for place in places)
        opened.enter_context(one)
        assert said_here == said_there
        assert rows_of(one) == rows_of(other)
        assert answers_of(one, world) == answers_of(other, world)
        assert files_of(one, one.directory / "out") == files_of(other, other.directory / "out")
        indexes = range(len(require_whole(one)))
        assert prove(one, indexes) == prove(other, indexes)
        return other


@settings(max_examples=4)
@given(histories())
def test_any_history_ends_alike_on_both(steps: list[Step]) -> None:
    game = Game().play(steps)
    with both() as places, require_equal(places, game.tried, game.world) as ledger:
        assert fsck(ledger.engine) == []


# Text that other programs stumbled over: as SQL, as formats, as another encoding, as nothing at all.
ODD = (
    *("'; DROP TABLE entry; --", '"', "\\", "\\x41\\'", "%s %(name)s %d %%", ":name ?1 $1 {0} {}", "$body$", "NULL"),
    *("null", "None", "0", "-0", "1e309", "0x41", "true", "{}", "[]", '["a","b"]', "<b>&amp;</b>", "a" * 150),
    *("\u00e9\u00e8\u00ea", "\u4e2d\u6587\u5b57", "\u0410\u0411", "\u05d0\u05d1", "\u0627\u0628"),
    *("\U0001f600", "\U00020bb7", "\ud7ff", "\ue000", "\ufffd"),
    *(
        "I\u0307",
        "\u0131\u0130\u015f",
        "\u00df\u1e9e",
        "\ufb03",
        "\u03a9",
        "\u0e01\u0e33",
        "\u0915\u093f",
    ),
    *("\x00", "\x01", "\x7f", "\x80", "\u200b", "\u202e", "\ufeff", "\uffff", " ", "", "\n", "\t", "a\u0301"),
)


def test_odd_text_is_kept_or_refused_alike(tmp_path: Path) -> None:
    """Nothing that the rules let through is changed, cut, or put in another order by a database."""
    world = World()
    statements, refused = world.founding(), []
    for number, text in enumerate(ODD):
        subject = msgspec.structs.replace(world.party_subject(f"odd-{number}", ("claimant",)), legal_name=text)
        key = f"odd-{number}:claimant"
        claimed = world.claim_subject(title=text, counted_by=(f"meter:{number}",))
        try:
            statements += [
                world.state("Party", subject, ("operator", "operator:registrar"), [(f"odd-{number}", key)]),
                world.state("Claim", claimed, ("carrier", "carrier:claimant")),
            ]
        except Malformed:
            refused.append(text)
    assert "\x00" in refused
    assert len(ODD) - len(refused) > 30
    with both() as places, require_equal(places, statements, world) as ledger:
        names = report.party_names(ledger)
        kept = {text for number, text in enumerate(ODD) if names.get(world.party_id(f"odd-{number}")) == text}
        assert kept | set(refused) == set(ODD)
        assert fsck(ledger.engine) == []


def test_amounts_are_whole_to_the_last_gram(tmp_path: Path) -> None:
    """Amounts that no 32-bit column and no float holds, and their sums."""
    world = World()
    statements = world.founding()
    inputs = {"energy": c.InputValue("19999999999", "MWh"), "own": c.InputValue("0.000001", "tCO2e")}
    amount = world.quantify(inputs).reduction
    assert int(amount.replace(".", "")) > 2**43
    writer_at = len(statements)
    for number in range(3):
        claimed = world.claim_subject(
            inputs=inputs, quantification=world.quantify(inputs), counted_by=(f"meter:{number}",)
        )
        statements.append(world.state("Claim", claimed, ("carrier", "carrier:claimant")))
    with both() as places:
        with recorded(places[0], statements)[0] as ledger:
            references = [reference_to(one.entry) for one in prove(ledger, range(writer_at, len(statements)))]
        statements += [
            world.attest(one, amount, verifier=verifier) for one in references for verifier in ("verifier", "verifier2")
        ]
    with both() as places, require_equal(places, statements, world) as ledger:
        totals = report.totals(ledger)
        assert (totals.claims, totals.total_g) == (3, 3 * int(amount.replace(".", "")))
        assert totals.total_g > 2**53
        assert fsck(ledger.engine) == []


def test_a_refused_founding_leaves_nothing(database: Place) -> None:
    """Not even a table; the same place can be founded in afterwards."""
    world = World()
    broken = world.state("Programme", world.programme_subject(), ("operator", "root0"), [])
    programme, *_ = world.founding()
    party = world.party("operator", ("operator",))
    for statement, kind, code in (
        (broken, Refused, "below_threshold"),
        (party, Malformed, "not_a_programme"),
        (b"x", Malformed, "bad_jws"),
    ):
        with pytest.raises(kind) as caught:
            found_ledger(database.directory, statement, signer=LogSigner(), database=database.url)
        assert caught.value.code == code
        assert not (database.directory / "signer.json").exists()
    with pytest.raises(NotAllowed) as refused:
        found_ledger(database.directory, programme, signer=OtherSigner(), database=database.url)
    assert refused.value.code == "wrong_log_key"
    with pytest.raises(Unavailable) as nothing:
        database.opened()
    assert nothing.value.code == "no_database"
    with database.found(World()) as ledger:
        assert len(require_whole(ledger)) == 12


class OtherSigner:
    """A key that is not the log's."""

    public_key = bytes(key_of("root0").verify_key)

    def sign(self, message: bytes) -> bytes:
        """The signature of a message."""
        return bytes(key_of("root0").sign(message).signature)


def test_a_place_is_founded_in_once(database: Place, tmp_path: Path) -> None:
    database.found(World()).close()
    before = database.run('SELECT "index", leaf_hash FROM entry ORDER BY 1')
    for directory in (database.directory, tmp_path / "other"):
        if database.url is None and directory != database.directory:
            continue
        with pytest.raises(Unavailable) as caught:
            found_ledger(directory, World().programme(), signer=LogSigner(), database=database.url)
        assert caught.value.code == "database_exists"
    with pytest.raises(Unavailable) as caught:
        create_database(database.where)
    assert caught.value.code == "database_exists"
    assert database.run('SELECT "index", leaf_hash FROM entry ORDER BY 1') == before


def test_a_database_of_something_else_is_left_alone() -> None:
    """Tables of ours by name, but not ours: neither founded in nor taken away."""
    place = Place(Path("unused"), server=shared(), name=shared().create())
    place.run("CREATE TABLE party (name text)")
    place.run("INSERT INTO party VALUES ('theirs')")
    assert place.url is not None
    for call in (create_database, lambda url: Ledger.open(Path("unused"), database=url)):
        with pytest.raises(Unavailable) as caught:
            call(place.url)
        assert caught.value.code in {"database_exists", "schema_version"}
    assert place.run("SELECT name FROM party") == [("theirs",)]


@pytest.mark.parametrize(
    "address",
    [
        *("", "x", "sqlite:///x.db", "mysql://u:secret@h/d", "postgresql+psycopg://h", "postgresql+psycopg://"),
        "postgresql+psycopg://u:secret@127.0.0.1:1/d",
        "postgresql+psycopg://u:secret@[bad/d",
        "postgresql+psycopg://u:secret@127.0.0.1:port/d",
        "postgresql+psycopg://u@/d?host=/nowhere&password=secret&nonsense=secret",
    ],
)
def test_an_address_that_leads_nowhere_is_refused_without_its_secret(tmp_path: Path, address: str) -> None:
    for call in (create_database, lambda url: Ledger.open(tmp_path, database=url)):
        with pytest.raises(Unavailable) as caught:
            call(address)
        assert caught.value.code == "database_unusable"
        assert "secret" not in f"{caught.value.message}{caught.value.facts}"
