"""The pages behind the first: the claims with index and hash, and what else the certificate rests on.

The table and the sections flow over as many sheets as they need.

Source: RULES 7.
"""

from __future__ import annotations

from ledger.certificates import fonts
from ledger.certificates.fonts import Face
from ledger.certificates.layout import GREEN, GREY, INK, LEFT, PALE, RIGHT, ROOM, WHITE, Sheet, dressed
from ledger.certificates.words import ADOPTION, KINDS, LEVERS, QUALITIES, tonnes
from ledger.domain.facts import ClaimFacts, PageFacts

TOP, BOTTOM = 104.0, 770.0
ROW = 38.0
_AMOUNT_RIGHT = LEFT + 352
_TITLE, _PERIOD, _VERIFIER = LEFT + 56, LEFT + 216, LEFT + 366


class _Flow:
    """Sheets that follow each other; `y` is where the next thing goes."""

    def __init__(self, facts: PageFacts) -> None:
        self._facts = facts
        self.sheets: list[Sheet] = []
        self.y = BOTTOM
        self.turn()

    def turn(self) -> None:
        """Begin a new sheet."""
        self.sheets.append(dressed(programme=self._facts.programme, number=self._facts.number))
        self.y = TOP

    @property
    def sheet(self) -> Sheet:
        """The sheet that is being filled."""
        return self.sheets[-1]

    def need(self, high: float) -> bool:
        """Turn the page unless there is room; whether it was turned."""
        if self.y + high <= BOTTOM:
            return False
        self.turn()
        return True

    def heading(self, text: str) -> None:
        """A section's title, kept together with its first lines."""
        self.need(52)
        self.y += 25
        self.sheet.text(text, x=LEFT, y=self.y, size=11.2, face="SemiBold", colour=GREEN)
        self.y += 3

    def paragraph(self, text: str, *, face: Face = "Sans", size: float = 8.8) -> None:
        """Wrapped text."""
        for line in fonts.wrap(text, face, size, ROOM):
            self.need(14)
            self.y += 13
            self.sheet.text(line, x=LEFT, y=self.y, size=size, face=face)


def claim_sheets(facts: PageFacts, *, attachments: tuple[str, ...]) -> list[Sheet]:
    """All sheets after the first."""
    flow = _Flow(facts)
    if facts.claims:
        _claims(flow, facts)
    _totals(flow, facts)
    _foundations(flow, facts)
    _how_to_check(flow, attachments)
    return flow.sheets


def _claims(flow: _Flow, facts: PageFacts) -> None:
    flow.y += 16
    flow.sheet.text("Claims behind this certificate", x=LEFT, y=flow.y, size=17, face="Serif")
    flow.y += 12
    _table_head(flow)
    for number, claim in enumerate(facts.claims):
        if flow.need(ROW):
            _table_head(flow)
        if number % 2:
            flow.sheet.box(x=LEFT, y=flow.y, wide=ROOM, high=ROW, colour=PALE)
        _row(flow.sheet, claim, flow.y)
        flow.y += ROW
    flow.need(24)
    flow.sheet.rule(flow.y + 2, colour=GREEN, thick=1.0)
    flow.y += 16
    flow.sheet.text("Total", x=LEFT + 6, y=flow.y, size=9, face="SemiBold")
    flow.sheet.text(tonnes(facts.total_g), x=_AMOUNT_RIGHT, y=flow.y, size=9, face="SemiBold", align="right")
    flow.y += 4


def _table_head(flow: _Flow) -> None:
    flow.sheet.box(x=LEFT, y=flow.y, wide=ROOM, high=19, colour=GREEN)
    y = flow.y + 12.7
    for text, x in (
        ("Entry", LEFT + 6),
        ("Activity, lever and kind", _TITLE),
        ("Period", _PERIOD),
        ("Verifier, assurance", _VERIFIER),
    ):
        flow.sheet.text(text, x=x, y=y, size=8, face="SemiBold", colour=WHITE)
    amount = "Amount (tCO\N{SUBSCRIPT TWO}e)"
    flow.sheet.text(amount, x=_AMOUNT_RIGHT, y=y, size=8, face="SemiBold", colour=WHITE, align="right")
    flow.y += 19


def _row(sheet: Sheet, claim: ClaimFacts, y: float) -> None:
    title = fonts.shorten(claim.title, "Sans", 8.6, _PERIOD - _TITLE - 8)
    what = f"{LEVERS[claim.lever]}, {KINDS[claim.kind].lower()}, {claim.methodology}"
    sheet.text(f"{claim.index:,}", x=LEFT + 6, y=y + 12, size=8.6, face="SemiBold")
    sheet.text(title, x=_TITLE, y=y + 12, size=8.6)
    sheet.text(fonts.shorten(what, "Sans", 7, _PERIOD - _TITLE - 8), x=_TITLE, y=y + 22, size=7, colour=GREY)
    sheet.text(claim.first_day, x=_PERIOD, y=y + 12, size=7.6)
    sheet.text(claim.last_day, x=_PERIOD, y=y + 22, size=7.6)
    amount = tonnes(claim.amount_g)
    size, _ = fonts.fit(amount, "SemiBold", room=86, height=11, largest=8.6, smallest=6, leading=1.1)
    sheet.text(amount, x=_AMOUNT_RIGHT, y=y + 12, size=size, face="SemiBold", align="right")
    name, assurance = claim.verifiers[0]
    more = f" and {len(claim.verifiers) - 1} more" if len(claim.verifiers) > 1 else ""
    sheet.text(fonts.shorten(name, "Sans", 8.2, RIGHT - _VERIFIER - 6), x=_VERIFIER, y=y + 12, size=8.2)
    sheet.text(f"{assurance.capitalize()} assurance{more}", x=_VERIFIER, y=y + 22, size=7, colour=GREY)
    sheet.text(claim.entry_hash, x=_TITLE, y=y + 32.5, size=6.4, face="Mono", colour=GREY)


def _totals(flow: _Flow, facts: PageFacts) -> None:
    flow.heading("Totals")
    for name, parts in (
        ("By kind", [(KINDS[kind], grams) for kind, grams in facts.by_kind]),
        ("By lever", [(LEVERS[lever], grams) for lever, grams in facts.by_lever]),
        ("By scope", [(f"Scope {scope}", grams) for scope, grams in facts.by_scope]),
    ):
        flow.paragraph(f"{name}: " + "; ".join(f"{part} {tonnes(grams)} t" for part, grams in parts))


def _foundations(flow: _Flow, facts: PageFacts) -> None:
    if facts.about == "claims":
        flow.heading("Methodologies")
        for one in facts.methodologies:
            flow.paragraph(f"{one.name}: {one.title}. Approved by {one.approver}; {QUALITIES[one.quality]}.")
        if ADOPTION[facts.adoption]:
            flow.paragraph(ADOPTION[facts.adoption])
        flow.heading("Verifiers")
        for verifier, assurance in facts.verifiers:
            flow.paragraph(f"{verifier}, {assurance} assurance")
    else:
        flow.heading("What these totals cover")
        whose = f"for {facts.holder}" if facts.about == "party" else "in the programme"
        flow.paragraph(
            f"Everything verified and current {whose} whose period lies in these years, as of size "
            f"{facts.as_of_size:,}. The claims themselves are not carried: replay the log to check the totals."
        )
    flow.heading("Corrections and open challenges")
    corrected = ", ".join(facts.corrections) if facts.corrections else "none among the entries carried"
    flow.paragraph(f"Corrections: {corrected}. Open challenges: {facts.challenges}. As of size {facts.as_of_size:,}.")


def _how_to_check(flow: _Flow, attachments: tuple[str, ...]) -> None:
    flow.heading("How to check this certificate")
    flow.paragraph(
        "Scan the code, or open the status page, to see whether this certificate or a claim was later corrected."
    )
    flow.paragraph("Offline, with nothing but this file and your own trust file:")
    flow.need(22)
    flow.sheet.box(x=LEFT, y=flow.y + 5, wide=ROOM, high=16, colour=PALE, round_=3)
    command = "gigaton-verify certificate FILE --trust trust.json"
    flow.sheet.text(command, x=LEFT + 8, y=flow.y + 15.6, size=8, face="Mono", colour=INK)
    flow.y += 23
    flow.paragraph(
        "Without our software: the seal is a PAdES signature that any PDF reader can inspect; certificate.jws is a "
        "W3C Verifiable Credential signed with Ed25519; each .tlog-proof follows the C2SP specification."
    )
    flow.heading("Attached to this file")
    proofs = sum(name.endswith(".tlog-proof") for name in attachments)
    flow.paragraph(
        f"certificate.jws, checkpoint, and {proofs} entries of the log (entry-<index>.json), each with its proof "
        "(entry-<index>.tlog-proof)."
    )
