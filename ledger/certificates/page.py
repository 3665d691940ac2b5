"""The first page of a certificate, and the whole document: what is said, and where it stands.

Source: RULES 7, CERTIFICATE 9.
"""

from __future__ import annotations

from datetime import date
from io import BytesIO

from reportlab.pdfgen.canvas import Canvas

from ledger.certificates import fonts
from ledger.certificates.layout import (
    CENTRE,
    FAINT,
    GOLD,
    GREEN,
    GREY,
    HEIGHT,
    LEFT,
    LEVER_COLOURS,
    LINE,
    PALE,
    RIGHT,
    ROOM,
    SAND,
    WIDTH,
    Sheet,
    dressed,
    footed,
)
from ledger.certificates.table import claim_sheets
from ledger.certificates.words import KINDS, LEVERS, big_number, share, tonnes
from ledger.domain.facts import PageFacts

LEVERS_SHOWN = 5


def draw(facts: PageFacts, *, attachments: tuple[str, ...]) -> bytes:
    """The document without attachments or seal: the same facts give the same bytes.

    Raises: Refused `missing_glyph`.
    """
    fonts.load()
    sheets = [_first_sheet(facts), *claim_sheets(facts, attachments=attachments)]
    footed(
        sheets,
        f"Valid until {_long_day(facts.valid_until)}, as of checkpoint {facts.size:,}. "
        "It states verified totals, is not a tradable unit and confers no right to claim an offset.",
    )
    out = BytesIO()
    canvas = Canvas(
        out,
        (WIDTH, HEIGHT),
        invariant=1,
        initialFontName="Sans",  # type: ignore[arg-type]
        pdfVersion=(1, 7),
        lang="en",
        pageCompression=1,
    )
    canvas.setTitle(f"Certificate {facts.number}")
    canvas.setAuthor(facts.programme)
    canvas.setSubject(f"Verified reductions of {facts.holder}")
    for sheet in sheets:
        sheet.draw(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _first_sheet(facts: PageFacts) -> Sheet:
    sheet = dressed(programme=facts.programme, number=facts.number)
    sheet.rosette(x=CENTRE, y=312, radius=158, colour=FAINT, petals=24, turns=6)
    sheet.text("Certificate of Verified Reductions", x=CENTRE, y=137, size=28, face="Serif", align="centre")
    subtitle = "Greenhouse-gas reductions and removals, independently verified and publicly recorded"
    sheet.text(subtitle, x=CENTRE, y=157, size=9.8, colour=GREY, align="centre")
    sheet.rule(174, x=CENTRE - 26, end=CENTRE + 26, colour=GOLD, thick=0.9)
    sheet.text("This certifies that", x=CENTRE, y=200, size=10.2, colour=GREY, align="centre")
    y = _holder(sheet, facts, 208)
    y = _amount(sheet, facts, y)
    y = _tiles(sheet, facts, y + 26)
    _goal(sheet, facts, max(468.0, y + 22))
    _record(sheet, facts, 630)
    return sheet


def _holder(sheet: Sheet, facts: PageFacts, y: float) -> float:
    size, lines = fonts.fit(facts.holder, "Serif", room=ROOM, height=60, largest=23, smallest=7)
    for line in lines:
        y += size * 1.2
        sheet.text(line, x=CENTRE, y=y, size=size, face="Serif", colour=GREEN, align="centre")
    period = f"achieved, between {_long_day(facts.first_day)} and {_long_day(facts.last_day)}, the verified total of"
    sheet.text(period, x=CENTRE, y=y + 22, size=10.2, colour=GREY, align="centre")
    return y + 22


def _amount(sheet: Sheet, facts: PageFacts, y: float) -> float:
    whole, decimals, unit = big_number(facts.total_g)
    size = 60.0
    while fonts.width(whole, "Serif", size) + fonts.width(decimals, "Serif", size * 0.46) > ROOM:
        size -= 1
    wide = fonts.width(whole, "Serif", size) + fonts.width(decimals, "Serif", size * 0.46)
    y += 66
    at = CENTRE - wide / 2
    at += sheet.text(whole, x=at, y=y, size=size, face="Serif")
    sheet.text(decimals, x=at, y=y, size=size * 0.46, face="Serif")
    sheet.text(unit, x=CENTRE, y=y + 24, size=11.4, face="SemiBold", colour=GREEN, align="centre")
    return y + 24


def _tiles(sheet: Sheet, facts: PageFacts, y: float) -> float:
    kinds = dict(facts.by_kind)
    verifiers = str(len(facts.verifiers)) if facts.about == "claims" else "see ledger"
    tiles = [(name, tonnes(kinds.get(kind, 0)) + " t", 116.0) for kind, name in KINDS.items()]
    tiles += [("Claims", f"{facts.claim_count:,}", 67.64), ("Verifiers", verifiers, 67.64)]
    sheet.rule(y)
    x = LEFT
    for number, (name, value, wide) in enumerate(tiles):
        if number:
            sheet.path([(x, y + 9), (x, y + 39)], colour=LINE, thick=0.6)
        sheet.text(name, x=x + wide / 2, y=y + 18, size=8.2, colour=GREY, align="centre")
        size, _ = fonts.fit(value, "SemiBold", room=wide - 6, height=13, largest=11.5, smallest=6, leading=1.1)
        sheet.text(value, x=x + wide / 2, y=y + 35, size=size, face="SemiBold", align="centre")
        x += wide
    sheet.rule(y + 48)
    return y + 48


def _goal(sheet: Sheet, facts: PageFacts, y: float) -> None:
    part = min(1.0, facts.goal_part_g / facts.goal_g)
    title = fonts.shorten(f"Share of the goal: {facts.goal_title}", "SemiBold", 11, ROOM - 120)
    sheet.text(title, x=LEFT, y=y + 8, size=11, face="SemiBold")
    said = share(facts.goal_part_g, of=facts.goal_g)
    sheet.text(f"{said} of the goal", x=RIGHT, y=y + 8, size=9, face="SemiBold", colour=GOLD, align="right")
    for third in range(4):
        at = LEFT + ROOM * third / 3
        label = f"{tonnes(facts.goal_g * third // 3, whole=True)} t" if third else "0"
        align = "left" if third == 0 else "right" if third == 3 else "centre"
        sheet.text(label, x=at, y=y + 22, size=6.8, colour=GREY, align=align)  # type: ignore[arg-type]
    sheet.box(x=LEFT, y=y + 26, wide=ROOM, high=14, colour="#E6EEEA", round_=3)
    mark = LEFT + ROOM * part
    if part * ROOM > 6:
        sheet.box(x=LEFT, y=y + 26, wide=part * ROOM, high=14, colour=GREEN, round_=3)
    for third in (1, 2):
        at = LEFT + ROOM * third / 3
        sheet.path([(at, y + 26), (at, y + 43)], colour=LINE, thick=0.6)
    sheet.path([(mark, y + 41), (LEFT, y + 73), (RIGHT, y + 73)], colour=SAND, filled=True)
    sheet.box(x=max(LEFT, mark - 1), y=y + 23.5, wide=2, high=19, colour=GOLD)
    sheet.text("This certificate, by lever", x=LEFT + 2, y=y + 68, size=8.6, face="SemiBold", colour=GOLD)
    _levers(sheet, facts, y + 73)


def _levers(sheet: Sheet, facts: PageFacts, y: float) -> None:
    shown = [(LEVERS[name], grams) for name, grams in facts.by_lever[:LEVERS_SHOWN]]
    rest = facts.by_lever[LEVERS_SHOWN:]
    if rest:
        shown.append((f"{len(rest)} more", sum(grams for _, grams in rest)))
    x, legend_x, legend_y = LEFT, LEFT, y + 26
    for number, (name, grams) in enumerate(shown):
        wide = ROOM * (grams * 100_000 // facts.total_g) / 100_000
        wide = RIGHT - x if number == len(shown) - 1 else wide
        sheet.box(x=x, y=y, wide=max(wide - 0.7, 0.3), high=12, colour=LEVER_COLOURS[number])
        x += wide
        label = f"{name}  {tonnes(grams)} t"
        needed = fonts.width(label, "Sans", 8.2) + 28
        if legend_x + needed > RIGHT + 20:
            legend_x, legend_y = LEFT, legend_y + 12.5
        sheet.box(x=legend_x, y=legend_y - 6.2, wide=6, high=6, colour=LEVER_COLOURS[number])
        sheet.text(label, x=legend_x + 10, y=legend_y, size=8.2)
        legend_x += needed


def _record(sheet: Sheet, facts: PageFacts, y: float) -> None:
    sheet.box(x=LEFT, y=y, wide=ROOM, high=144, colour=PALE, round_=5)
    sheet.code(facts.qr_text, x=LEFT + 9, y=y + 9, side=114)
    sheet.text("Scan for current status", x=LEFT + 66, y=y + 135, size=7.6, colour=GREY, align="centre")
    x, row = LEFT + 136, y + 21
    sheet.text("Recorded in the public ledger", x=x, y=row, size=10.5, face="SemiBold", colour=GREEN)
    witnesses = ", ".join(facts.witnesses) if facts.witnesses else "none: unwitnessed"
    lines = [
        ("Origin", facts.origin),
        ("Entry", f"{facts.index:,}, recorded {facts.recorded_at[:19].replace('T', ' ')} UTC"),
        ("Checkpoint", f"size {facts.size:,}, holding this entry and all it rests on"),
        ("Witnesses", witnesses),
        ("Status", facts.status_url),
    ]
    for name, value in lines:
        row += 14.6
        sheet.text(name, x=x, y=row, size=8, colour=GREY)
        sheet.text(fonts.shorten(value, "Sans", 8, RIGHT - x - 62), x=x + 54, y=row, size=8)
    for name, value in (("Entry hash", facts.entry_hash), ("Root", facts.root)):
        row += 14.6
        sheet.text(name, x=x, y=row, size=8, colour=GREY)
        sheet.text(value, x=x + 54, y=row, size=7, face="Mono")


def _long_day(day: str) -> str:
    moment = date.fromisoformat(day)
    months = "January February March April May June July August September October November December"
    return f"{moment.day} {months.split()[moment.month - 1]} {moment.year}"
