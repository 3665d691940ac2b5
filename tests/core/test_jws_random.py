"""Statements that were taken apart, changed as a meddler would and properly signed again: a decision or a known code.

`test_total.py` gives the parsers random bytes, `tests/domain/test_histories.py` gives the rules payloads with bytes
flipped. Here signatures and spelling are right, so that what is wrong reaches the schema and the rules: members
dropped, doubled, put elsewhere, or given the value that another member of another statement has.

Covers THREATS S14 to S16, R24; CONTRIBUTING: bad input never leads to another exception.
"""

from __future__ import annotations

import json
import random
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.codes.rules import RULES
from ledger.core.jws import Kid, approve, check_signatures, open_jws, sign_statement
from ledger.core.strict import to_base64url
from ledger.domain.rules import decide
from ledger.domain.statements import KINDS, Statement, read_statement
from ledger.domain.statements import claim as c
from ledger.domain.statements import programme as p
from ledger.domain.totals import Decision
from ledger.domain.view import Position
from tests.cast import ROLES, key_of, public
from tests.core.refusals import code_of
from tests.dialogue import answering, raising
from tests.domain.scene import CARRIER, FULL, Scene
from tests.world import START_MS, World, reference_to

KEY_NAMES = [
    *(f"root{number}" for number in range(3)),
    *("operator:operator", "operator:registrar", "spare", "newcomer:claimant"),
    *(f"{name}:{role}" for name, roles in ROLES.items() for role in roles),
    *(f"{name}:review" for name in ("verifier", "verifier2")),
]
SIGN = {bytes(key_of(name).verify_key): lambda raw, key=key_of(name): key.sign(raw).signature for name in KEY_NAMES}


class Good:
    """A log with a claim that counts and one that waits, and one more statement of each kind that it would take."""

    def __init__(self) -> None:
        self.scene = scene = Scene({})
        world = scene.world
        scene.log.add_all(world.founding())
        counted = scene.verified()
        waiting = scene.claimed("plant")
        waiting_finding = reference_to(scene.log.add(raising(world, waiting, "FAR")))
        made = [
            world.programme(version=2),
            world.party("newcomer", ("claimant",)),
            world.state("Key", p.KeyAdd(key=public("spare"), purposes=("claim",)), CARRIER, [("carrier", "spare")]),
            world.accreditation(),
            world.factor_set(version=2),
            world.methodology(world.grid_subject(version=2)),
            world.target(version=2),
            world.claim(start="2025-05-01", end="2025-07-01", counted_by=("meter:carrier:2",)),
            raising(world, waiting, "CL"),
            answering(world, waiting_finding, by="plant"),
            world.attest(waiting, FULL, assurance="limited"),
            scene.correction(c.Reverse, counted, amount="1.000"),
            scene.issue((counted,)),
        ]
        self.statements = made
        self.position = Position(len(scene.log.entries), START_MS, "0" * 64)
        self.values: dict[str, list[Any]] = {}
        for raw in made:
            collect(json.loads(open_jws(raw).payload), self.values)

    def judge(self, raw: bytes) -> Decision:
        """What server and auditor do with a statement, from its bytes on."""
        opened = open_jws(raw)
        check_signatures(opened)
        statement = read_statement(opened)
        assert isinstance(statement, Statement)
        decision = decide(self.scene.log.state, self.position, statement)
        assert isinstance(decision, Decision)
        return decision


@cache
def good() -> Good:
    return Good()


def collect(value: Any, into: dict[str, list[Any]], name: str = "") -> None:
    """Gather every value inside a JSON value under the name of the member that holds it."""
    into.setdefault(name, []).append(value)
    if isinstance(value, dict):
        for inner, one in value.items():
            collect(one, into, inner)
    elif isinstance(value, list):
        for one in value:
            collect(one, into, name)


def spelled(value: Any) -> bytes:
    """The canonical spelling, by another library, and something like it for what has none."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode("utf-8", "surrogatepass")


def signed(payload: bytes, kids: list[Kid]) -> bytes:
    """A payload under the signatures of these keys, in this order."""
    raw = sign_statement(payload, kid=kids[0], sign=SIGN[kids[0].key])
    for kid in kids[1:]:
        raw = approve(raw, kid=kid, sign=SIGN[kid.key])
    return raw


ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 256, 2**53 - 1, 2**53, 2**63, 2**64, 10**30, 0.5, 1e300),
    *("", " ", "0", "-0", "0.000", "-1.000", "1e3", "9999999999999.999", "10000000000000.000", "\u0660", "a" * 401),
    *("0000-00-00", "2025-02-29", "9999-12-31", "2024-02-29T24:00:00Z", "0000-01-01T00:00:00Z", "DE", "ZZ", "\u202e"),
    *("kg*kg*kg*kg*kg*kg", "kWh/kWh", "one", "meter:%ff", "https://[", "urn:uuid:", "A" * 43, "f" * 64, "\0", "\ud7ff"),
    *([], {}, [[]], [{}], {"": ""}, {"a": 1, "b": [1]}),
]


def edited(value: Any, rng: random.Random, name: str = "") -> Any:
    """The value of a member with one change somewhere inside it, most often one that keeps its spelling."""
    if isinstance(value, dict | list) and value and rng.random() < 0.9:
        return _edited_inside(value, rng, name)
    chance = rng.random()
    if chance < 0.6:
        return rng.choice(good().values.get(name) or ODD)
    if chance < 0.8 and isinstance(value, int):
        return value + rng.choice([-1, 1, 7])
    if chance < 0.8 and isinstance(value, str) and value:
        at = rng.randrange(len(value))
        return value[:at] + rng.choice("0123456789" if value[at].isdigit() else "abcdefABC-") + value[at + 1 :]
    return rng.choice(ODD) if chance < 0.9 else rng.choice(good().values[rng.choice(list(good().values))])


def _edited_inside(value: Any, rng: random.Random, name: str) -> Any:
    made = value.copy()
    at = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
    change = rng.choice(["drop", "add", "swap", *["deeper"] * 15])
    if change == "deeper":
        made[at] = edited(value[at], rng, at if isinstance(at, str) else name)
    elif change == "drop":
        del made[at]
    elif change == "swap":
        other = rng.choice(list(made)) if isinstance(made, dict) else rng.randrange(len(made))
        made[at], made[other] = made[other], made[at]
    elif isinstance(made, list):
        made.insert(rng.randrange(len(made) + 1), made[at])
    else:
        added = rng.choice(list(good().values))
        made[added] = rng.choice(good().values[added])
    return made


def meddled(rng: random.Random) -> bytes:
    """A true statement with up to three changes of its payload or signers, signed by the keys that it names."""
    opened = open_jws(rng.choice(good().statements))
    payload, kids = json.loads(opened.payload), [one.kid for one in opened.signatures]
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        part = rng.choice(["subject"] * 6 + ["envelope", "signers"])
        if part == "subject" and isinstance(payload, dict) and "credentialSubject" in payload:
            payload = {**payload, "credentialSubject": edited(payload["credentialSubject"], rng, "credentialSubject")}
        elif part == "envelope":
            payload = edited(payload, rng)
        elif part == "signers":
            kids = _other_signers(kids, rng)
    return signed(spelled(payload), kids)


def _other_signers(kids: list[Kid], rng: random.Random) -> list[Kid]:
    stranger = Kid(rng.choice(kids).party, rng.choice(list(SIGN)))
    changed = [kids[:-1], [*kids, stranger], kids[::-1], [stranger, *kids[1:]], [*kids[:-1], stranger]]
    return rng.choice([one for one in changed if one])


def judged(raw: bytes) -> str:
    """The code that a statement is refused with; empty where it is taken."""
    return code_of(lambda: good().judge(raw))


def test_unchanged_and_signed_again_each_kind_is_taken() -> None:
    """Otherwise the tests below would show less than they say: json's spelling and our keys make the same bytes."""
    opened = [open_jws(raw) for raw in good().statements]
    assert [read_statement(one).kind for one in opened] == list(KINDS)
    assert [signed(spelled(json.loads(one.payload)), [by.kid for by in one.signatures]) for one in opened] == (
        good().statements
    )
    assert [judged(raw) for raw in good().statements] == [""] * len(KINDS)


@settings(max_examples=2_000)
@given(st.integers(0, 2**64 - 1))
def test_meddled_and_truly_signed(seed: int) -> None:
    code_of(lambda: good().judge(meddled(random.Random(seed))))


def test_the_meddling_reaches_the_rules() -> None:
    """It is not all caught by the schema: some of it is taken, and many rules have to speak."""
    rng = random.Random(1)
    codes = {code_of(lambda: good().judge(meddled(rng))) for _ in range(5_000)}
    assert "" in codes
    assert len(codes & RULES.keys()) >= 35


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
AUTHOR = World().kid(*CARRIER)


@given(st.binary(max_size=300) | JSON.map(spelled))
def test_any_payload_truly_signed_is_refused(payload: bytes) -> None:
    assert code_of(lambda: good().judge(signed(payload, [AUTHOR]))) != ""


SEGMENT = st.binary(max_size=120).map(to_base64url)


@given(st.data())
def test_any_three_segments_are_refused(data: st.DataObject) -> None:
    """Base64url that is right, of bytes that are not; each segment may also be a true statement's own."""
    parts = [
        data.draw(SEGMENT | st.sampled_from([raw.decode().split(".")[place] for raw in good().statements]))
        for place in range(3)
    ]
    raw = ".".join(parts).encode()
    assert raw in good().statements or judged(raw) != ""


@given(st.data())
def test_a_segment_grown_longer_or_cut_is_refused(data: st.DataObject) -> None:
    """The characters are base64url and the structure is right, so only lengths, headers and signatures are left."""
    parts = data.draw(st.sampled_from(good().statements)).decode().split(".")
    place = data.draw(st.integers(0, 2))
    start, end = sorted(data.draw(st.integers(0, len(parts[place]))) for _ in range(2))
    other = parts[place][:start] + data.draw(SEGMENT) + parts[place][end:]
    raw = ".".join([*parts[:place], other, *parts[place + 1 :]]).encode()
    assert raw in good().statements or judged(raw) != ""
